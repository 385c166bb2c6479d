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
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// parentMTU raises the MTU of the Ethernet interface for sessions with an MTU above 1492 (RFC 4638
// section 4), as long as the client runs.
type parentMTU struct {
	settings *pppd.Settings
	log      *slog.Logger
	index    int // of the interface that was raised last; 0: none
	undo     []func() error
	failed   bool   // the last attempt to raise it failed; the log has the reason
	carries  int    // maxPacket when ports were last opened
	granted  int    // PPP-Max-Payload of the last PADS, in octets; 0: none
	reported string // the last logged reason for shorter packets
}

// overhead is the length of the PPPoE and PPP headers, in octets.
const overhead = wire.HeaderLen + 2

// need returns the MTU that the interface must have for the requested packet size; 0 if any suffices.
// Interfaces have room for one VLAN tag; with two, it is raised only if a size is requested, as the next
// switch may not have room for them.
func (m *parentMTU) need() int {
	line, want := attachment(m.settings), max(m.settings.MTU, m.settings.MRU)
	if want == 0 || want <= discovery.EthernetPayload && line.VLAN.Depth() < 2 {
		return 0
	}
	return line.InterfaceMTU(want + overhead)
}

// raiseBefore raises the MTU each time before ports are opened, as an interface that was removed and
// created again has its default. If it cannot be raised, sessions have shorter packets.
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

// maxPacket returns the maximum packet size that the interface allows, in octets; 0 if it does not exist.
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
		return // already raised
	}
	undo, err := netconfig.RaiseMTU(sockets, m.settings.Interface, need)
	m.failed = err != nil
	if err != nil {
		m.log.Warn("Warning - packets will be shorter than requested: " + err.Error())
		return
	}
	m.undo = append(m.undo, undo)
	if is != nil {
		m.index = is.Index
	}
}

// notify logs why a session's packets are shorter than requested, when the link is open. It does not
// repeat a reason.
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

// shortfall returns the reason; empty if packets are as long as requested or it is already in the log.
func (m *parentMTU) shortfall(is session.LinkUp) string {
	mtu, mru := m.settings.MTU, m.settings.WantedMRU()
	switch want := max(mtu, mru); {
	case m.failed:
		return ""
	case m.carries > 0 && m.carries < want:
		return fmt.Sprintf("packets of at most %d octets instead of %d: the MTU of interface %s allows no more", m.carries, want, m.settings.Interface)
	case want > discovery.EthernetPayload && m.granted == 0:
		return fmt.Sprintf("packets of at most %d octets instead of %d: the concentrator does not support RFC 4638 (its PADS has no PPP-Max-Payload tag)", discovery.EthernetPayload, want)
	case want > discovery.EthernetPayload && m.granted < want:
		return fmt.Sprintf("packets of at most %d octets instead of %d: the concentrator allows no more (PPP-Max-Payload in its PADS)", max(m.granted, discovery.EthernetPayload), want)
	case is.PeerMRU < mtu:
		return fmt.Sprintf("mtu is %d instead of %d: the peer receives no more (its MRU)", is.PeerMRU, mtu)
	case is.MRU < mru:
		return fmt.Sprintf("mru is %d instead of %d: the peer rejected our MRU", is.MRU, mru)
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
