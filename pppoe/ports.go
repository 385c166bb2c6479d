package pppoe

import (
	"errors"

	"upppoe/pppoe/datapath"
)

// Ports are the two places where a loop meets the Ethernet: discovery and
// session frames have an ethertype, and so a port, each.
type Ports struct {
	Discovery, Session datapath.Port
	// Fanout are further ports of session frames, which are divided between them and
	// Session: those that carry packets of one flow of a session come to one port, in
	// order, and control frames all to one of them.
	Fanout []datapath.Port
	// Offload moves the packets of sessions where it can; nil: there is none.
	Offload datapath.Offload
	// Shared reports whether somebody else on this machine has sessions there, perhaps with our
	// address, whose frames the ports hear as well; nil: nobody has.
	Shared func() bool
}

// Close closes all.
func (p Ports) Close() error {
	err := p.Discovery.Close()
	for _, s := range p.sessions() {
		err = errors.Join(err, s.Close())
	}
	return err
}

// sessions are the ports of session frames.
func (p Ports) sessions() []datapath.Port { return append([]datapath.Port{p.Session}, p.Fanout...) }
