// Package pppd reads pppd's configuration language: words, the options they spell,
// and the files and command lines they stand in.
//
// One table of options drives parsing, help and manual: an option that is not in
// it does not exist.
package pppd
