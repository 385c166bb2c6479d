package pppoe

import (
	"errors"

	"upppoe/pppoe/wire"
)

// LinkState is how an Ethernet interface is, as whoever watches it tells a Client.
type LinkState uint8

// States of a link. The zero value, LinkUp, is that of one that nobody watches.
const (
	LinkUp        LinkState = iota
	LinkNoCarrier           // it is up, and its cable is out
	LinkDown                // somebody has set it down
	LinkGone                // there is no such interface
)

// String is the state in words.
func (s LinkState) String() string {
	return [...]string{"up", "without carrier", "down", "gone"}[s]
}

// A StaleSession is one that has ended without its concentrator knowing, which may refuse
// another one as long as it has that: an earlier run of the program has left it, or the
// interface was lost.
type StaleSession struct {
	SessionID uint16
	AC        wire.Addr
	// Local is the Ethernet address that the session was ours by, and so its PADT must come
	// from; zero: the one that the interface has.
	Local wire.Addr
}

// errReaddressed ends what runs under an Ethernet address that the interface has no more.
var errReaddressed = errors.New("the interface's Ethernet address has changed")
