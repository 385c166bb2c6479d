package tun

// Device is a network interface through which this program exchanges whole IP packets with the
// host's network stack. One goroutine may read while another writes; Close may be called at any
// time, and makes a blocked Read return.
type Device interface {
	// Name is the name of the network interface.
	Name() string
	// Read waits for at least one packet and fills bufs from the front: packet i is
	// bufs[i][headroom:headroom+sizes[i]]. The headroom is left to the caller, for headers. The
	// error wraps os.ErrClosed after Close.
	Read(bufs [][]byte, sizes []int, headroom int) (n int, err error)
	// Write writes packets to the host: packet i is packets[i][headroom:]. It returns the number of
	// packets that the host accepted. The headroom may be overwritten.
	Write(packets [][]byte, headroom int) (n int, err error)
	// BatchSize is the maximum number of packets that Read returns.
	BatchSize() int
	Close() error
}

// Leaver is a Device that may outlive the program: see Config.Owner.
type Leaver interface {
	Device
	// Leave closes the device, and leaves the network interface to a successor.
	Leave() error
}
