// Package accounting sends the records of a server's sessions to RADIUS servers (RFC 2866, RFC 2869): the
// start and the end of each, and interim records. While no server answers, records are kept on disk,
// and sent in order later. Nobody waits for it: what there is no room for is dropped and counted,
// interim records first.
package accounting
