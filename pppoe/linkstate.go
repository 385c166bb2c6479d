package pppoe

// LinkState is the state of an Ethernet interface, as a link monitor reports it to a Client or a
// Server.
type LinkState uint8

// States of a link. Without a link monitor the state is LinkUp, the zero value.
const (
	LinkUp        LinkState = iota
	LinkNoCarrier           // administratively up, but no carrier
	LinkDown                // administratively down
	LinkGone                // the interface does not exist
)

// String returns the state in words.
func (s LinkState) String() string {
	return [...]string{"up", "without carrier", "down", "gone"}[s]
}
