package main

import (
	"errors"
	"strings"

	"upppoe/internal/host/ifname"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// endOnFormerInterfaces sends a PADT to the peers of sessions on interfaces that the configuration does not have
// any more but the machine has, and marks them in the report.
func endOnFormerInterfaces(report *pppoe.AdoptReport) {
	former := formerInterfaces{ports: make(map[string]*afpacket.Port), attachments: make(map[string]formerAttachment)}
	defer former.close()
	for i, n := range report.NotAdopted {
		if errors.Is(n.Err, pppoe.ErrNoListener) && !n.PADT && n.Session.SessionID != 0 && n.Session.Peer.IsUnicast() {
			report.NotAdopted[i].PADT = former.sendPADT(&n.Session)
		}
	}
}

// formerInterfaces are interfaces that only sessions which are not adopted name. Each is looked up and opened once.
type formerInterfaces struct {
	ports       map[string]*afpacket.Port // by interface of the machine; nil: it cannot be used
	attachments map[string]formerAttachment
}

// formerAttachment is where frames of an attachment are sent.
type formerAttachment struct {
	port *afpacket.Port // nil: nowhere
	tags vlan.Stack
}

// sendPADT reports whether a PADT was sent to the peer of a session.
func (f *formerInterfaces) sendPADT(s *pppoe.SessionInfo) bool {
	at, ok := f.attachments[s.Interface]
	if !ok {
		at = f.open(s.Interface)
		f.attachments[s.Interface] = at
	}
	if at.port == nil {
		return false
	}
	padt := wire.NewPADT(s.Peer, s.Local, s.SessionID, "")
	padt.VLAN = at.tags
	_, err := at.port.WriteBatch([][]byte{padt.AppendTo(nil)})
	return err == nil
}

// open returns where frames of the attachment of a name are sent.
func (f *formerInterfaces) open(name string) formerAttachment {
	device, tags, ok := splitAttachment(name)
	if !ok {
		return formerAttachment{}
	}
	port, ok := f.ports[device]
	if !ok {
		port, _ = afpacket.OpenTrunk(afpacket.Attachment{Interface: device}, wire.EtherTypeDiscovery)
		f.ports[device] = port
	}
	return formerAttachment{port, tags}
}

func (f *formerInterfaces) close() {
	for _, port := range f.ports {
		if port != nil {
			port.Close()
		}
	}
}

// splitAttachment returns the interface of the machine and the tags that the name of a session's attachment stands
// for, such as eth0.50.100; not ok: the machine has no such interface. A VLAN device of the kernel may have the name
// as it is, or be the interface of a further tag.
func splitAttachment(name string) (device string, tags vlan.Stack, ok bool) {
	if device, ok = ifname.KernelName(name); ok {
		return device, tags, true
	}
	for at := strings.LastIndexByte(name, '.'); at >= 0; at = strings.LastIndexByte(name[:at], '.') {
		tags, err := vlan.Parse(name[at+1:])
		if device, ok = ifname.KernelName(name[:at]); ok && err == nil {
			return device, tags, true
		}
	}
	return "", vlan.Stack{}, false
}
