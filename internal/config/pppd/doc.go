// Package pppd reads pppd's configuration language as pppd(8) has it: words, the
// options they spell, and the files and command lines they stand in.
//
// One table of options drives parsing and help: an option that is not in it does not
// exist. Each is honoured, taken without effect (with or without a notice), or
// refused with the reason.
package pppd
