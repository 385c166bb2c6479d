package main

import (
	"fmt"
	"log/slog"
	"net"
	"slices"

	"upppoe/internal/config/pppd"
	"upppoe/internal/host/netconfig"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// parentMTU has the Ethernet interface carry frames that are longer than usual, as a
// session with more than 1492 octets needs (RFC 4638 section 4), as long as there is a
// client.
type parentMTU struct {
	settings *pppd.Settings
	log      *slog.Logger
	index    int // of the interface that was raised last; 0: none was
	undo     []func() error
	failed   bool // the last attempt; why is in the log
	carries  int  // see carries, when ports were opened last
	granted  int  // by the last PADS, in octets; 0: it has no PPP-Max-Payload tag
	reported string
}

// overhead is what PPPoE and PPP add to a packet, in octets.
const overhead = wire.HeaderLen + 2

// usual is the MTU of a session on Ethernet, in octets (RFC 2516 section 7).
const usual = 1492

// need is the MTU that the interface must have for what was asked for; 0: any will do.
// Two tags take more room than interfaces leave for one, and who wants it for them must say
// so: nobody knows whether the next switch has it too.
func (m *parentMTU) need() int {
	line, want := attachment(m.settings), max(m.settings.MTU, m.settings.MRU)
	if want == 0 || want <= usual && line.VLAN.Depth() < 2 {
		return 0
	}
	return line.InterfaceMTU(want + overhead)
}

// raiseBefore raises the MTU before ports are opened, each time: an interface that was
// away has forgotten it. One that cannot be raised carries what it can.
func (m *parentMTU) raiseBefore(listen func() (pppoe.Ports, error)) func() (pppoe.Ports, error) {
	need := m.need()
	if need == 0 && m.settings.MTU == 0 && m.settings.MRU == 0 {
		return listen
	}
	return func() (pppoe.Ports, error) {
		if need > 0 {
			m.raise(need)
		}
		m.carries = m.maxPacket()
		return listen()
	}
}

// maxPacket is the longest packet that the interface has room for, in octets; 0: it is not there.
func (m *parentMTU) maxPacket() int {
	is, err := net.InterfaceByName(m.settings.Interface)
	if err != nil {
		return 0
	}
	return is.MTU - attachment(m.settings).InterfaceMTU(overhead)
}

func (m *parentMTU) raise(need int) {
	is, err := net.InterfaceByName(m.settings.Interface)
	if err == nil && is.Index == m.index && is.MTU >= need {
		return // the last dial has done it
	}
	undo, err := netconfig.RaiseMTU(sockets, m.settings.Interface, need)
	m.failed = err != nil
	if err != nil {
		m.log.Warn("Warning - packets will be shorter than asked for, since " + err.Error())
		return
	}
	m.undo = append(m.undo, undo)
	if is != nil {
		m.index = is.Index
	}
}

// notify says why a session's packets are shorter than asked for, once the link is open: in one
// line, and not again as long as the reason is the same.
func (m *parentMTU) notify(event pppoe.Event) {
	switch e := event.(type) {
	case pppoe.SessionEstablished:
		m.granted = e.MaxPayload
	case session.LinkUp:
		if why := m.shortfall(e); why != m.reported {
			m.reported = why
			if why != "" {
				m.log.Warn("Warning - " + why)
			}
		}
	}
}

// shortfall is the reason; empty: there is as much as was asked for, or the log has told.
func (m *parentMTU) shortfall(is session.LinkUp) string {
	mtu, mru := m.settings.MTU, m.settings.WantedMRU()
	switch want := max(mtu, mru); {
	case m.failed:
		return ""
	case m.carries > 0 && m.carries < want:
		return fmt.Sprintf("no more than %d octets a packet, in place of %d: interface %s has room for no more (its MTU)", m.carries, want, m.settings.Interface)
	case want > usual && m.granted == 0:
		return fmt.Sprintf("no more than %d octets a packet, in place of %d: the concentrator does not support RFC 4638 (its PADS has no PPP-Max-Payload tag)", usual, want)
	case want > usual && m.granted < want:
		return fmt.Sprintf("no more than %d octets a packet, in place of %d: so much the concentrator allows (PPP-Max-Payload in its PADS)", max(m.granted, usual), want)
	case is.PeerMRU < mtu:
		return fmt.Sprintf("mtu is %d in place of %d: the peer receives no more (its MRU)", is.PeerMRU, mtu)
	case is.MRU < mru:
		return fmt.Sprintf("mru is %d in place of %d: the peer sends no more (it refused our MRU)", is.MRU, mru)
	}
	return ""
}

func (m *parentMTU) restore() {
	for _, undo := range slices.Backward(m.undo) {
		if err := undo(); err != nil {
			m.log.Debug(err.Error())
		}
	}
}
