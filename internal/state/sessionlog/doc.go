// Package sessionlog is a state.Store in a file: a log to which records are appended, and which is
// written anew once most of it is garbage.
//
// Integers are big-endian. The file begins with a header:
//
//	octets  field
//	8       magic: "upppoeSL"
//	2       format of the file, 1
//	2       length of the header
//	4       salt: random, different for each store
//	8       when the store was made, in nanoseconds since 1970
//	8       the largest generation of any session until then
//	1+n     boot ID of the kernel, with its length
//	1+n     version of the program that made the file, with its length
//	4       CRC-32C of the octets before
//
// All formats have these fields, the CRC at the end of the header, and others before it. Records follow:
//
//	octets  field
//	4       marker: "\xa5SL\x5a"
//	4       CRC-32C of the salt and of all fields below
//	4       length of the value
//	1       kind: 1 a part of a session's record, 2 the session has ended (no value)
//	1       part (state.Part), 0 with kind 2
//	8       generation
//	n       value
//
// The last record of a part is valid. The salt keeps apart what is in a record and a record: a value that
// looks like one is none, also after damage before it.
//
// A goroutine writes what has been put with one write(2), at most every two milliseconds, so that a
// program that is killed loses no more than that. The disk is synced seconds later: after a power cut
// sessions cannot be adopted anyway, and a client whose session is missing is told as soon as it sends.
package sessionlog
