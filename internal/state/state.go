// Package state is what survives a program: the records of its sessions, by which a successor adopts
// them (a new version, the next start after a crash, or another machine).
//
// A record has parts. Each part is written and read by the package that owns what is in it: package
// pppoe, accounting, IPv6. Nobody else knows its encoding, which begins with a version of its own.
package state

import "iter"

// Generation identifies a session: pppoe.SessionKey's, which no other session of a server has, before or
// after a successor.
type Generation = uint64

// Part names a part of a record. The numbers are in files: they do not change.
type Part uint8

// The parts of a record.
const (
	// Session is the session itself: pppoe.SessionRecord. A record without it is that of no session.
	Session Part = 1
	// Accounting is what continues the records of accounting.
	Accounting Part = 2
	// IPv6 is what the session has of router advertisements and DHCPv6.
	IPv6 Part = 3
	// Counters is what the session had carried when they were last written: pppoe's.
	Counters Part = 4

	// LastPart is the largest of the numbers.
	LastPart = Counters
)

// Store keeps records. Methods may be called concurrently, and do not block: they write later, in order. A
// program that is killed loses what was not written yet, a few milliseconds.
type Store interface {
	// Put keeps a part of a session's record in place of the one before. The value may be changed
	// after the call.
	Put(of Generation, part Part, value []byte)
	// Delete removes all parts of a session's record.
	Delete(of Generation)
}

// Record is what a Store has kept for a session: its parts, by name. It is read only.
type Record map[Part][]byte

// Loader is a Store's other side: what an earlier program has left.
type Loader interface {
	// Records returns all records, in no particular order.
	Records() iter.Seq2[Generation, Record]
}
