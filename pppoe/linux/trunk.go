package linux

import (
	"fmt"

	"upppoe/internal/ebpf"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
)

// trunkOffload is the kernel data path for sessions in all VLANs of an interface, with the trunk's
// priority of data frames.
type trunkOffload struct {
	*ebpf.Link
	priority uint8
}

// trunkOffload returns the kernel data path for a trunk.
func (o *Opener) trunkOffload(t afpacket.Trunk, ports pppoe.Ports) (datapath.Offload, error) {
	at, err := o.attach(t.Interface)
	if err != nil {
		return nil, err
	}
	link := at.Link(vlan.Stack{}, t.DataPriority)
	if err := filter(ports, link.FilterTrunk); err != nil {
		return nil, fmt.Errorf("%v: %w", t, err)
	}
	return trunkOffload{link, t.DataPriority}, nil
}

// Add adds a session in its VLAN.
func (t trunkOffload) Add(c datapath.SessionConfig) (datapath.OffloadSession, error) {
	c.Priority = t.priority
	return t.Link.Add(c)
}
