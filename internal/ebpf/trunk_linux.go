package ebpf

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// FilterTrunk is FilterSessions for a port that receives the session frames of all VLANs, with
// their tags.
func (l *Link) FilterTrunk(s Socket) error {
	var h hooks
	defer h.close() // the socket holds the program
	program, err := h.load(ebpf.SocketFilter, 0, "filter", trunkFilter(l.at.maps(), s.Addr()))
	if err != nil {
		return err
	}
	if err := s.AttachProgram(program.FD()); err != nil {
		return fmt.Errorf("attach the session filter to the trunk: %w", err)
	}
	return nil
}
