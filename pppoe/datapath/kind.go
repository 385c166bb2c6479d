package datapath

import (
	"errors"
	"fmt"
	"runtime"
)

// Kind is how the packets of open sessions are moved.
type Kind int

// The ways there are. The zero value is the default.
const (
	// KindAuto is the fastest that works here: Ports have an Accelerator, or not.
	KindAuto Kind = iota
	// KindOffload moves TCP and UDP in GSO packets between the host and the
	// program, which cuts and joins them, and frames in batches on the Ethernet.
	KindOffload
	// KindPlain moves one packet at a time.
	KindPlain
	// KindKernel has the kernel move packets: it is KindOffload, and Ports that
	// have an Accelerator.
	KindKernel
)

var kindNames = [...]string{KindAuto: "auto", KindOffload: "offload", KindPlain: "plain", KindKernel: "kernel"}

// ErrKind is returned for the name of a data path that there is not.
var ErrKind = errors.New("no such data path: there are auto, kernel, offload and plain")

// ParseKind reads a data path's name. The error wraps ErrKind.
func ParseKind(name string) (Kind, error) {
	for d, known := range kindNames {
		if name == known {
			return Kind(d), nil
		}
	}
	return 0, fmt.Errorf("%q: %w", name, ErrKind)
}

// String is the name that ParseKind reads.
func (d Kind) String() string {
	if d < 0 || int(d) >= len(kindNames) {
		return fmt.Sprintf("DataPath(%d)", int(d))
	}
	return kindNames[d]
}

// Queues is in how many parts the packets of a line are best moved, if nobody says
// otherwise: as many as half of the processors, which leaves the other half to who sends
// and receives them, and 8 at most. On two processors one is the faster.
func Queues() int { return max(1, min(8, runtime.GOMAXPROCS(0)/2)) }

// Engine is a Path as the loop runs it.
type Engine interface {
	Path
	// Receive moves frames from one of the ports until that is lost or closed.
	Receive(port int) error
	// Inject passes on a frame that had been given to the control plane, as if it had
	// been received now. It reports whether the frame is the data path's.
	Inject(frame []byte) bool
}

// New makes the data path of ports of session frames. A device that cannot offload is served one
// packet at a time on any.
func New(d Kind, ports []Port, control func([]byte), lost func(uint16)) Engine {
	if d == KindPlain {
		return newPlainPath(ports, control, lost)
	}
	return newGSOPath(ports, control, lost)
}
