package datapath

import (
	"errors"
	"fmt"
	"runtime"
)

// Kind selects how the packets of open sessions are moved.
type Kind int

// The data paths. The zero value is the default.
const (
	// KindAuto is the fastest that is available: KindGSO, and the Offload of the Ports if they
	// have one.
	KindAuto Kind = iota
	// KindGSO, called "offload" in options, moves TCP and UDP in GSO packets between the host and this program, which
	// segments and coalesces them, and frames in batches to and from the Ethernet.
	KindGSO
	// KindPlain moves one packet at a time.
	KindPlain
	// KindKernel requires Ports with an Offload; other packets are moved as by KindGSO.
	KindKernel
)

var kindNames = [...]string{KindAuto: "auto", KindGSO: "offload", KindPlain: "plain", KindKernel: "kernel"}

// ErrKind is wrapped by the error for the name of a nonexistent data path.
var ErrKind = errors.New("no such data path: there are auto, kernel, offload and plain")

// ParseKind parses the name of a data path. The error wraps ErrKind.
func ParseKind(name string) (Kind, error) {
	for d, known := range kindNames {
		if name == known {
			return Kind(d), nil
		}
	}
	return 0, fmt.Errorf("%q: %w", name, ErrKind)
}

// String is the name that ParseKind parses.
func (d Kind) String() string {
	if d < 0 || int(d) >= len(kindNames) {
		return fmt.Sprintf("DataPath(%d)", int(d))
	}
	return kindNames[d]
}

// Queues is the default number of queues for the packets of an attachment: half the number of
// processors, at most 8. The other half is left to the programs that send and receive the packets.
// On two processors one queue is the fastest.
func Queues() int { return max(1, min(8, runtime.GOMAXPROCS(0)/2)) }

// Engine is a Path that reads the ports itself, as the loop of a Client or Server runs it.
type Engine interface {
	Path
	// Receive moves frames from one of the ports until the port is lost or closed.
	Receive(port int) error
	// Inject handles a frame that was given to the control plane earlier as if it were received
	// now. It reports whether the frame is one of the data path's.
	Inject(frame []byte) bool
}

// New returns the data path of a server's or client's ports for session frames. control is called
// with each frame that is not the data path's; the frame is valid during the call. lost is called
// with the ID of a session whose device has failed. Devices that do not support GSO are served one
// packet at a time by any Kind.
func New(d Kind, ports []Port, control func([]byte), lost func(uint16)) Engine {
	if d == KindPlain {
		return newPlainPath(ports, control, lost)
	}
	return newGSOPath(ports, control, lost)
}
