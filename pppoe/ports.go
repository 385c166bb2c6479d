package pppoe

import (
	"errors"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Ports are the ports of an interface. Discovery and session frames have different ethertypes,
// hence a port each.
type Ports struct {
	Discovery, Session datapath.Port
	// Fanout are further ports of session frames. Session frames are spread over Session and
	// Fanout: one flow always to the same port, control frames all to one.
	Fanout []datapath.Port
	// Offload carries the packets of sessions where it can; nil: there is none.
	Offload datapath.Offload
	// PayloadMTU returns the longest payload of frames with a stack of tags, in octets. Nil: the
	// ports have one VLAN, and it is Session's MTU. Set, the ports are a trunk: frames have their
	// tags at the methods of the ports.
	PayloadMTU func(vlan.Stack) int
	// Shared reports whether another process on this machine has sessions on the interface, perhaps
	// with our address, whose frames these ports receive as well; nil: none has.
	Shared func() bool
}

// Close closes all ports.
func (p Ports) Close() error {
	err := p.Discovery.Close()
	for _, s := range p.sessions() {
		err = errors.Join(err, s.Close())
	}
	return err
}

// maxPayload returns the longest PPP payload that the session ports can carry in a VLAN, in octets,
// without the Protocol field.
func (p Ports) maxPayload(in vlan.Stack) int {
	mtu := p.Session.MTU()
	if p.PayloadMTU != nil {
		mtu = p.PayloadMTU(in)
	}
	return mtu - wire.HeaderLen - protocolLen
}

// sessions returns the ports of session frames.
func (p Ports) sessions() []datapath.Port { return append([]datapath.Port{p.Session}, p.Fanout...) }
