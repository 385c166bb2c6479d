package datapath

import (
	"errors"
	"fmt"
)

// Kind selects how the packets of open sessions are moved.
type Kind int

// The data paths. The zero value is the default.
const (
	// KindAuto uses the Offload of the Ports (the kernel) where possible, else KindGSO.
	KindAuto Kind = iota
	// KindGSO, called "offload" in options, moves TCP and UDP in GSO packets between the host and
	// this program, which segments and coalesces them, and frames in batches to and from the
	// Ethernet.
	KindGSO
	// KindPlain moves one packet at a time.
	KindPlain
	// KindKernel requires Ports with an Offload. Packets that it leaves are moved as by KindGSO.
	KindKernel
)

var kindNames = [...]string{KindAuto: "auto", KindGSO: "offload", KindPlain: "plain", KindKernel: "kernel"}

// ErrKind is wrapped by the error for an unknown data path name.
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
		return fmt.Sprintf("Kind(%d)", int(d))
	}
	return kindNames[d]
}
