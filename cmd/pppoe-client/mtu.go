package main

import (
	"log/slog"
	"net"
	"slices"

	"upppoe/internal/hostnet"
	"upppoe/internal/pppd"
	"upppoe/pppoe"
)

// parentMTU has the Ethernet interface carry frames that are longer than usual, as a
// session with more than 1492 octets needs (RFC 4638 section 4), as long as there is a
// client.
type parentMTU struct {
	settings *pppd.Settings
	log      *slog.Logger
	index    int // of the interface that was raised last; 0: none was
	undo     []func() error
}

// overhead is what PPPoE and PPP add to a packet, in octets.
const overhead = pppoe.HeaderLen + 2

// usual is the MTU of a session on Ethernet, in octets (RFC 2516 section 7).
const usual = 1492

// need is the MTU that the interface must have for what was asked for; 0: any will do.
// Two tags take more room than interfaces leave for one, and who wants it for them must say
// so: nobody knows whether the next switch has it too.
func (m *parentMTU) need() int {
	line, want := lineOf(m.settings), max(m.settings.MTU, m.settings.MRU)
	if want == 0 || want <= usual && line.VLAN.Depth() < 2 {
		return 0
	}
	return line.InterfaceMTU(want + overhead)
}

// raisedFor raises the MTU before ports are opened, each time: an interface that was
// away has forgotten it. One that cannot be raised carries what it can.
func (m *parentMTU) raisedFor(listen func() (pppoe.Ports, error)) func() (pppoe.Ports, error) {
	need := m.need()
	if need == 0 {
		return listen
	}
	return func() (pppoe.Ports, error) {
		m.raise(need)
		return listen()
	}
}

func (m *parentMTU) raise(need int) {
	is, err := net.InterfaceByName(m.settings.Interface)
	if err == nil && is.Index == m.index && is.MTU >= need {
		return // the last dial has done it
	}
	undo, err := hostnet.RaiseMTU(sockets, m.settings.Interface, need)
	if err != nil {
		m.log.Warn("Warning - packets will be shorter than asked for, since " + err.Error())
		return
	}
	m.undo = append(m.undo, undo)
	if is != nil {
		m.index = is.Index
	}
}

func (m *parentMTU) restore() {
	for _, undo := range slices.Backward(m.undo) {
		if err := undo(); err != nil {
			m.log.Debug(err.Error())
		}
	}
}
