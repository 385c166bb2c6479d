package pppoe

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
