package explain

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// discoveryState is what discovery has of a conversation.
type discoveryState struct {
	seen                        bool // the conversation begins with discovery
	padis, pados, padrs, padses int
	padi, padr                  request
	offers                      int // PADOs without an error
	offer                       int // frame of the first
	offeredBy                   []wire.Addr
	refused                     bool // by an error tag
	service                     string
	hasService                  bool
	wantPayload, maxPayload     int
	cookie                      []byte // of the concentrator that is asked
	done                        bool   // PADS without an error
}

// request is a request that waits for an answer.
type request struct {
	frame int // of the first
	first time.Time
	last  time.Time
}

func (r *request) send(f *frame) {
	if r.frame == 0 {
		r.frame, r.first = f.number, f.at
	}
	r.last = f.at
}

// answers has the VLANs on which concentrators have answered anybody, to advise those without an answer.
type answers struct{ vlans []vlan.Stack }

const maxAnswerVLANs = 16

func (a *answers) add(v vlan.Stack) {
	if len(a.vlans) < maxAnswerVLANs && !slices.Contains(a.vlans, v) {
		a.vlans = append(a.vlans, v)
	}
}

// except returns the VLANs that are not a place's, for people.
func (a *answers) except(v vlan.Stack) string {
	var all []string
	for _, other := range a.vlans {
		if other != v {
			all = append(all, vlanName(other))
		}
	}
	return strings.Join(all, ", ")
}

func vlanName(v vlan.Stack) string {
	if v == (vlan.Stack{}) {
		return "untagged"
	}
	return "VLAN " + v.String()
}

// discovery explains a discovery packet (RFC 2516 section 5).
func (a *Analyzer) discovery(f *frame) {
	d, err := wire.ParseDiscovery(f.packet)
	if err != nil {
		a.malformedDiscovery(f, err)
		return
	}
	if d.Code == wire.PADT {
		a.padt(f, d)
		return
	}
	c := a.conversationOf(f, d)
	if c == nil {
		return
	}
	a.latest, c.last = c, f.at
	again := c.recent[senderOf(d.Code)].repeated(f.packet)
	a.event(c, f, senderOf(d.Code), Event{
		Protocol: "PPPoE", What: d.Code.String(), Text: discoveryText(d), Packet: tagsText(d), Retransmission: again,
	})
	switch d.Code {
	case wire.PADI:
		a.padi(c, f, d)
	case wire.PADO:
		a.pado(c, f, d)
	case wire.PADR:
		a.padr(c, f, d)
	case wire.PADS:
		a.pads(c, f, d)
	}
}

// senderOf returns the side that sends a code: 0 is the host.
func senderOf(code wire.Code) side {
	switch code {
	case wire.PADI, wire.PADR:
		return 0
	}
	return 1
}

// malformedDiscovery adds an event to the conversation of the sender or receiver, if there is one.
func (a *Analyzer) malformedDiscovery(f *frame, err error) {
	c := a.latest
	if c == nil || c.place != f.place || c.mac[0] != f.src && c.mac[0] != f.dst {
		return
	}
	s := c.sideOf(f)
	a.event(c, f, s, Event{Protocol: "PPPoE", What: "malformed", Text: malformedText(f, err)})
	if !f.truncated {
		c.problem(f, "malformed", "A discovery packet is malformed: "+reason(err)+".")
	}
}

func malformedText(f *frame, err error) string {
	if f.truncated {
		return "cut by the capture's snapshot length: not explained"
	}
	return reason(err)
}

// reason returns an error without the name of its package.
func reason(err error) string {
	_, text, found := strings.Cut(err.Error(), ": ")
	if !found {
		return err.Error()
	}
	return text
}

// hostOf returns the address of the host of a discovery packet: its sender, or its receiver.
func hostOf(f *frame, code wire.Code) wire.Addr {
	switch {
	case senderOf(code) == 0:
		return f.src
	case f.cooked:
		return wire.Addr{}
	}
	return f.dst
}

// conversationOf returns the conversation of a discovery packet, a new one if needed; nil: there is no room.
func (a *Analyzer) conversationOf(f *frame, d wire.Discovery) *conversation {
	uniq, _ := d.Tags.Find(wire.TagHostUniq)
	host := hostOf(f, d.Code)
	key := attemptKey{f.place, host, maphash.Bytes(hashSeed, uniq)}
	if f.cooked {
		key.host = wire.Addr{}
	}
	c := a.attempts[key]
	if c == nil && d.Code == wire.PADO {
		a.checkVLAN(f, key)
	}
	over := c != nil && (c.disc.done || c.disc.refused) && d.Code == wire.PADI
	if c != nil && !over {
		return c
	}
	if over {
		a.retire(c)
	}
	if c = a.start(f); c == nil {
		return nil
	}
	c.host, c.attempt, c.disc.seen = 0, key, true
	c.learn(0, host)
	a.attempts[key] = c
	return c
}

// checkVLAN looks for a PADO that came on another VLAN than the PADI was sent on.
func (a *Analyzer) checkVLAN(f *frame, key attemptKey) {
	c := a.latest
	if c == nil || c.disc.padis == 0 || c.attempt.host != key.host || c.attempt.uniq != key.uniq || c.disc.done {
		return
	}
	if c.place.iface == f.place.iface {
		c.problem(f, "pado-other-vlan", fmt.Sprintf("The PADO came %s, but the PADI was sent %s: the host does not get it.", onVLAN(f.place.vlan), onVLAN(c.place.vlan)))
	}
}

func onVLAN(v vlan.Stack) string {
	if v == (vlan.Stack{}) {
		return "untagged"
	}
	return "on VLAN " + v.String()
}

func (a *Analyzer) padi(c *conversation, f *frame, d wire.Discovery) {
	c.disc.padis++
	c.disc.padi.send(f)
	c.requestTags(f, d)
}

// requestTags checks and keeps the tags of a PADI or PADR.
func (c *conversation) requestTags(f *frame, d wire.Discovery) {
	services := 0
	for t := range d.Tags.All() {
		if t.Type == wire.TagServiceName {
			services++
			c.disc.service, c.disc.hasService = wire.EscapeName(string(t.Value)), true
		}
	}
	c.disc.wantPayload = max(c.disc.wantPayload, d.Tags.MaxPayload())
	switch {
	case services != 1:
		c.problem(f, "service-name-count", fmt.Sprintf("The %v has %s: it must have exactly one.", d.Code, plural(services, "Service-Name tag")))
	case d.Code == wire.PADI && len(f.packet) > 0 && wire.HeaderLen+len(d.Tags) > maxPADI:
		c.problem(f, "padi-too-long", fmt.Sprintf("The PADI has %d octets: more than %d leave no room for a relay's tag.", wire.HeaderLen+len(d.Tags), maxPADI))
	}
}

// maxPADI is the maximum length of a PADI, in octets (RFC 2516 section 5.1).
const maxPADI = 1484

func (a *Analyzer) pado(c *conversation, f *frame, d wire.Discovery) {
	c.disc.pados++
	if c.disc.padis == 0 && c.disc.padrs == 0 {
		c.unseen[0] = true
	}
	a.answers.add(f.place.vlan)
	if e, isError := d.Tags.FindError(); isError {
		c.disc.refused = c.disc.refused || c.disc.offers == 0
		c.problem(f, "pado-error", fmt.Sprintf("The concentrator %s answered the PADI with %s.", acText(f, d), errorText(e)))
		return
	}
	c.disc.refused = false
	c.disc.offers++
	if c.disc.offer == 0 {
		c.disc.offer = f.number
	}
	if len(c.disc.offeredBy) < maxNotes && !slices.Contains(c.disc.offeredBy, f.src) {
		c.disc.offeredBy = append(c.disc.offeredBy, f.src)
	}
	if c.disc.offers == 1 {
		c.chooseAC(f, d)
	}
	c.checkOffer(f, d)
}

// chooseAC takes the sender of a PADO as the concentrator, until a PADR says which it is.
func (c *conversation) chooseAC(f *frame, d wire.Discovery) {
	c.learn(1, f.src)
	name, _ := d.Tags.Find(wire.TagACName)
	c.s.AC.Name = wire.EscapeName(string(name))
	c.disc.cookie = nil
	if cookie, ok := d.Tags.Find(wire.TagACCookie); ok {
		c.disc.cookie = append([]byte{}, cookie...)
	}
}

// checkOffer checks what a PADO must have (RFC 2516 section 5.2).
func (c *conversation) checkOffer(f *frame, d wire.Discovery) {
	if _, ok := d.Tags.Find(wire.TagACName); !ok {
		c.problem(f, "pado-without-name", "The PADO has no AC-Name tag: hosts ignore such an offer.")
	}
	offered := false
	for t := range d.Tags.All() {
		offered = offered || t.Type == wire.TagServiceName && wire.EscapeName(string(t.Value)) == c.disc.service
	}
	if c.disc.hasService && !offered {
		c.problem(f, "pado-without-service", fmt.Sprintf("The PADO does not offer the service that the host asked for (%s).", serviceText(c.disc.service)))
	}
}

func (a *Analyzer) padr(c *conversation, f *frame, d wire.Discovery) {
	c.disc.padrs++
	c.disc.padr.send(f)
	if c.disc.pados == 0 {
		c.unseen[1] = true
	}
	c.requestTags(f, d)
	if f.cooked {
		return
	}
	if c.known[1] && c.mac[1] != f.dst {
		c.disc.cookie, c.s.AC.Name = nil, ""
	}
	c.learn(1, f.dst)
	if cookie, _ := d.Tags.Find(wire.TagACCookie); c.disc.cookie != nil && string(cookie) != string(c.disc.cookie) {
		c.suspect(f, "padr-cookie", "The PADR does not have the AC-Cookie of the PADO.")
	}
}

func (a *Analyzer) pads(c *conversation, f *frame, d wire.Discovery) {
	c.disc.padses++
	if c.disc.padrs == 0 {
		c.unseen[0] = true
	}
	c.learn(1, f.src)
	e, isError := d.Tags.FindError()
	switch {
	case isError:
		c.disc.refused = true
		c.problem(f, "pads-"+refusals[e.Tag], fmt.Sprintf("The AC refused the session with %s.", errorText(e)))
		a.retire(c)
	case f.id == 0:
		c.disc.refused = true
		c.problem(f, "pads-without-session", "The PADS has SESSION_ID 0, which refuses the session, but no tag that says why.")
		a.retire(c)
	case f.id == 0xffff:
		c.problem(f, "session-id-reserved", "The PADS has SESSION_ID 0xffff, which is reserved.")
		fallthrough
	default:
		a.begin(c, f, d)
	}
}

// refusals are the codes of problems, by error tag.
var refusals = map[wire.TagType]string{
	wire.TagServiceNameError: "service-name-error", wire.TagACSystemError: "ac-system-error", wire.TagGenericError: "generic-error",
}

// begin begins the session.
func (a *Analyzer) begin(c *conversation, f *frame, d wire.Discovery) {
	if c.disc.done && c.id == f.id {
		return // the PADS again
	}
	c.disc.done = true
	c.disc.maxPayload = d.Tags.MaxPayload()
	a.bind(c, f.id)
	if c.disc.wantPayload > ethernetMRU && c.disc.maxPayload == 0 {
		c.problem(f, "max-payload-ignored", fmt.Sprintf("The host asked for a PPP-Max-Payload of %d; the AC did not confirm it, so that %d is the maximum.", c.disc.wantPayload, ethernetMRU))
	}
}

// ethernetMRU is the maximum MRU without PPP-Max-Payload, in octets (RFC 2516 section 7).
const ethernetMRU = 1492
