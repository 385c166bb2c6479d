// Package pppd parses pppd's configuration language (pppd(8)): option files, peers files and command
// lines. A Reader reads them into Settings, which methods turn into configurations for sessions,
// discovery and servers. It runs no pppd and changes nothing on the host.
//
// One table of options drives parsing, help and manual pages. Each option is honoured, ignored (with or
// without a warning), or refused with the reason; an option that is not in the table is an error.
package pppd
