// Package sharednet is this machine's side of a network device that all sessions of a server share:
// the device, its addresses and sysctls, the routes of the address pools, which point to it once,
// and routes of single sessions' other prefixes, by rtnetlink(7).
package sharednet

import (
	"log/slog"
	"net/netip"
	"os"
	"runtime"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// DefaultName is the name of the device unless another is configured.
const DefaultName = "pppoe0"

// defaultMTU is the MTU of PPPoE without RFC 4638 (RFC 2516 section 7).
const defaultMTU = 1492

// Config configures a Network. IPv4 must be set.
type Config struct {
	// Name is the name of the device; empty: DefaultName. A persistent TUN device of that name that no
	// program uses (tun.IsPersistent) is used, and its addresses, routes and MTU are restored by
	// Close; without permission to set them they are left to the administrator.
	Name string
	// Owner, if not empty, makes the device outlive the program, for a successor with the same Owner,
	// which finds it by its Name and changes what is not as configured; see tun.Config. Close removes it,
	// Leave does not.
	Owner string
	// Clean removes the device that an earlier program of the Owner has left.
	Clean bool
	// Inherited are the descriptors of the device, from another program that had opened it by the same
	// configuration; see tun.FileGSO. The device is used as it is, and stays if Open fails. Descriptors that
	// are not those of the device are closed, and it is opened. Nil: there are none.
	Inherited []*os.File
	// DataPath selects how packets are moved, and so which kind of device is opened.
	DataPath datapath.Kind
	// Queues is the number of the device's queues; 0: as many as processors.
	Queues int
	// MTU is the MTU of the device in octets, that of the session with the largest one; 0: 1492.
	MTU int
	// IPv4 is the server's address.
	IPv4 netip.Addr
	// IPv6 is the server's IPv6 address, from which ICMPv6 errors come; invalid: a global address
	// that another interface has when the device is opened.
	IPv6 netip.Addr
	// NoIPv6 leaves the device without IPv6.
	NoIPv6 bool
	// Pools are the prefixes from which sessions get addresses. Each has a route to the device.
	Pools []netip.Prefix
	// VRF is the name of an existing VRF device that the device is added to; empty: none.
	VRF string
	// Table is the routing table of all routes; 0: the main table, or the VRF's.
	Table int
	// RouteFailed is called when a route of a session could not be added, by a goroutine of the
	// Network; further routes wait until it returns. Nil: the failure is logged.
	RouteFailed func(s pppoe.SessionInfo, err error)
	// Log gets what is noteworthy. It must be set.
	Log *slog.Logger
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = DefaultName
	}
	if c.Queues == 0 {
		c.Queues = runtime.GOMAXPROCS(0)
	}
	if c.MTU == 0 {
		c.MTU = defaultMTU
	}
	return c
}
