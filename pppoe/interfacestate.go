package pppoe

import "errors"

// InterfaceState is the state of an Ethernet interface, as a link monitor reports it to a Client or
// a Server.
type InterfaceState uint8

// States of an interface. Without a link monitor the state is InterfaceUp, the zero value.
const (
	InterfaceUp        InterfaceState = iota
	InterfaceNoCarrier                // administratively up, but no carrier
	InterfaceDown                     // administratively down
	InterfaceGone                     // the interface does not exist
)

// String returns the state in words.
func (s InterfaceState) String() string {
	return [...]string{"up", "without carrier", "down", "gone"}[s]
}

// errAddressChanged is why a dial or a loop ends under an Ethernet address that the interface no
// longer has.
var errAddressChanged = errors.New("the interface's Ethernet address has changed")

// errInterfaceGone is why ports are given up that the kernel still accepts: their interface was
// removed or renamed.
var errInterfaceGone = errors.New("the interface is gone")
