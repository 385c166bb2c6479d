package pppoe

import (
	"strings"

	"upppoe/pppoe/vlan"
)

// attachments are the VLANs of a listener that have sessions, each with session IDs of its own.
// Others are not remembered, because a peer can forge any tags.
type attachments struct {
	iface  string
	maxIDs int // per VLAN
	use    SessionIDs
	lastID int // assigned last, in any VLAN
	by     map[vlan.Stack]*attachment
}

// attachment is a VLAN that has sessions.
type attachment struct {
	name string // the interface with its tags; all its sessions share it
	ids  *sessionIDs
}

func newAttachments(iface string, maxIDs int, use SessionIDs) *attachments {
	return &attachments{iface: iface, maxIDs: min(maxIDs, maxSessions-use.Offset), use: use, by: make(map[vlan.Stack]*attachment)}
}

// attachmentName returns the name of an attachment in events: the interface with the tags that
// frames have in band.
func attachmentName(iface string, in vlan.Stack) string {
	if in == (vlan.Stack{}) {
		return iface
	}
	return iface + "." + in.String()
}

// tagsOf returns the tags that frames of an attachment have at the listener's ports, and whether it is one of
// the listener's interface.
func (l Listener) tagsOf(attachment string) (in vlan.Stack, ok bool) {
	rest, ok := strings.CutPrefix(attachment, l.Interface)
	if !ok || rest == "" {
		return in, ok
	}
	if l.VLANs.IsEmpty() || rest[0] != '.' {
		return in, false
	}
	in, err := vlan.Parse(rest[1:])
	return in, err == nil
}

// name returns the name of a VLAN's attachment.
func (a *attachments) name(in vlan.Stack) string {
	if at := a.by[in]; at != nil {
		return at.name
	}
	return attachmentName(a.iface, in)
}

// assign assigns a session ID in a VLAN; ok is false if all are in use there.
func (a *attachments) assign(in vlan.Stack) (id uint16, ok bool) {
	id, ok = a.of(in).ids.assign()
	return id + uint16(a.use.Offset), ok
}

// take takes a session ID in a VLAN, which isFree.
func (a *attachments) take(in vlan.Stack, id uint16) { a.of(in).ids.take(id - uint16(a.use.Offset)) }

// of returns the attachment of a VLAN, which has a session now.
func (a *attachments) of(in vlan.Stack) *attachment {
	at := a.by[in]
	if at == nil {
		at = &attachment{name: attachmentName(a.iface, in), ids: newSessionIDs(a.maxIDs, &a.lastID)}
		at.ids.random = a.use.Random
		a.by[in] = at
	}
	return at
}

// release makes a session ID available again.
func (a *attachments) release(in vlan.Stack, id uint16) {
	at := a.by[in]
	if at.ids.release(id - uint16(a.use.Offset)); at.ids.n == 0 {
		delete(a.by, in)
	}
}

// mayAssign reports whether a session ID is one that the server assigns, whether in use or not.
func (a *attachments) mayAssign(id uint16) bool {
	return int(id) > a.use.Offset && int(id)-a.use.Offset <= min(a.maxIDs, maxSessions)
}

// isFree reports whether a session ID can be assigned in a VLAN.
func (a *attachments) isFree(in vlan.Stack, id uint16) bool {
	at := a.by[in]
	return a.mayAssign(id) && (at == nil || at.ids.isFree(id-uint16(a.use.Offset)))
}
