package datapath

import "runtime"

// Engine is a Path that also reads the ports. Client and Server run it.
type Engine interface {
	Path
	// Receive moves frames from one of the ports until the port is lost or closed.
	Receive(port int) error
	// Inject handles a frame that was given to the control plane earlier as if it were received
	// now. It reports whether the frame belongs to the data path.
	Inject(frame []byte) bool
	// Find returns a session; nil: there is none with that key and generation. Offloads do not know
	// it.
	Find(k Key, generation uint64) Session
}

// New returns the data path of a server's or client's ports for session frames. control is called
// with each frame that does not belong to the data path; the frame is valid only until control
// returns. lost is called with a session whose device has failed. Devices that do not
// support GSO are served one packet at a time by any Kind.
func New(d Kind, ports []Port, control func([]byte), lost func(SessionConfig)) Engine {
	if d == KindPlain {
		return newPlainPath(ports, control, lost)
	}
	return newGSOPath(ports, control, lost)
}

// Queues is the default number of queues for the packets of an attachment: half the number of
// processors, at most 8. The other half is left to the programs that send and receive the packets.
// On two processors one queue is the fastest.
func Queues() int { return max(1, min(8, runtime.GOMAXPROCS(0)/2)) }
