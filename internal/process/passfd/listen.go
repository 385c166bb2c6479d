package passfd

import (
	"net"
	"net/netip"
	"os"
)

// Listen returns the listener of another program, if it has the address, or else a new one for TCP. It closes
// the inherited file; nil: no program has passed one on.
func Listen(inherited *os.File, addr netip.AddrPort) (net.Listener, error) {
	if inherited != nil {
		defer inherited.Close()
		l, err := net.FileListener(inherited)
		if err == nil && l.Addr().String() == addr.String() {
			return l, nil
		}
		if err == nil {
			l.Close()
		}
	}
	return net.Listen("tcp", addr.String())
}
