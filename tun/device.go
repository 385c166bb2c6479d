package tun

// A Device moves whole IP packets between the program and the host's network
// stack. One goroutine may read while another writes; Close may be called at any
// time, and makes a blocked Read return.
type Device interface {
	// Name is the network interface's name.
	Name() string
	// Read waits for at least one packet and fills bufs from the front: packet
	// i is bufs[i][headroom:headroom+sizes[i]]. The room before it is the
	// caller's, for headers. The error is os.ErrClosed (wrapped) after Close.
	Read(bufs [][]byte, sizes []int, headroom int) (n int, err error)
	// Write passes packets to the host: packet i is packets[i][headroom:]. It
	// returns how many the host took. The room before a packet may be
	// overwritten.
	Write(packets [][]byte, headroom int) (n int, err error)
	// BatchSize is how many packets Read may return at once.
	BatchSize() int
	Close() error
}
