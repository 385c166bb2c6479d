package netconfig

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// mayBeLocal reports whether an interface of this machine may have an IPv4 address, in a VRF
// (empty: in none). False is certain, except that interfaces that were set down are not considered.
// The number of addresses hardly matters: bind(2) looks the address up in the table of local
// addresses, independently of policy rules. After an unexpected error it returns true.
func mayBeLocal(addr netip.Addr, vrf string) bool {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return true
	}
	defer unix.Close(fd)
	if vrf != "" && unix.BindToDevice(fd, vrf) != nil {
		return true
	}
	// Only the address counts: without this option the kernel would also search for a free port.
	unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	err = unix.Bind(fd, &unix.SockaddrInet4{Addr: addr.As4()})
	return !errors.Is(err, unix.EADDRNOTAVAIL)
}
