package pppoe

// An Accelerator moves packets of open sessions where the Path need not: in the kernel
// (package internal/fastpath), or not at all in a test. It may leave any packet to the Path,
// which holds every session beside it, and so can always do without.
//
// Methods may be called concurrently.
type Accelerator interface {
	// Add takes up a tunnel, over which nothing flows until Allow says so. Its
	// device stays the caller's. After an error the session is the Path's alone.
	Add(Tunnel) error
	// Allow says which families may flow: those whose control protocol is open.
	Allow(sessionID uint16, ipv4, ipv6 bool)
	// Counters are those of a tunnel since Add, of what has not come by the Path.
	Counters(sessionID uint16) Counters
	// Remove forgets a tunnel, before its device is closed. When it returns, no
	// more packets of it are taken.
	Remove(sessionID uint16) Counters
}
