package pppoe

import (
	"errors"
	"fmt"
	"runtime"
)

// DataPath is how the packets of open sessions are moved.
type DataPath int

// The ways there are. The zero value is the default.
const (
	// DataPathAuto is the fastest that works here: Ports have an Accelerator, or not.
	DataPathAuto DataPath = iota
	// DataPathOffload moves TCP and UDP in super-packets between the host and the
	// program, which cuts and joins them, and frames in batches on the Ethernet.
	DataPathOffload
	// DataPathPlain moves one packet at a time.
	DataPathPlain
	// DataPathKernel has the kernel move packets: it is DataPathOffload, and Ports that
	// have an Accelerator.
	DataPathKernel
)

var dataPathNames = [...]string{DataPathAuto: "auto", DataPathOffload: "offload", DataPathPlain: "plain", DataPathKernel: "kernel"}

// ErrDataPath is returned for the name of a data path that there is not.
var ErrDataPath = errors.New("no such data path: there are auto, kernel, offload and plain")

// ParseDataPath reads a data path's name. The error wraps ErrDataPath.
func ParseDataPath(name string) (DataPath, error) {
	for d, known := range dataPathNames {
		if name == known {
			return DataPath(d), nil
		}
	}
	return 0, fmt.Errorf("%q: %w", name, ErrDataPath)
}

// String is the name that ParseDataPath reads.
func (d DataPath) String() string {
	if d < 0 || int(d) >= len(dataPathNames) {
		return fmt.Sprintf("DataPath(%d)", int(d))
	}
	return dataPathNames[d]
}

// Queues is in how many parts the packets of a line are best moved, if nobody says
// otherwise: as many as half of the processors, which leaves the other half to who sends
// and receives them, and 8 at most. On two processors one is the faster.
func Queues() int { return max(1, min(8, runtime.GOMAXPROCS(0)/2)) }

// mover is a Path as the loop runs it.
type mover interface {
	Path
	// receive moves frames from one of the ports until that is lost or closed.
	receive(port int) error
	// inject passes on a frame that had been given to the control plane, as if it had
	// been received now. It reports whether the frame is the data path's.
	inject(frame []byte) bool
}

// newPath makes the data path of ports of session frames. A device that cannot offload is served one
// packet at a time on any.
func newPath(d DataPath, ports []Port, control func([]byte), lost func(uint16)) mover {
	if d == DataPathPlain {
		return newPlainPath(ports, control, lost)
	}
	return newOffloadPath(ports, control, lost)
}
