package pppoe

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"

	"upppoe/internal/random"
	"upppoe/ppp"
)

// HostDiscovery is the client's side of discovery (RFC 2516 section 5): a value that is
// told packets and the time. It is not safe for concurrent use.
type HostDiscovery struct {
	cfg      HostConfig
	own      Addr
	step     Code // what was sent last: PADI or PADR; 0: nothing, or done
	sent     int  // how often
	deadline time.Time
	eager    time.Time // until when PADI is sent every second
	offers   []Offer   // not yet tried
	refused  []Addr    // who would not have us
	denied   []Addr    // who said so instead of an offer, and has been told of
	chosen   Offer

	unmatched []Unmatched // see Unmatched
	asked     time.Time   // when the chosen one was first sent a PADR
}

// avoidance is how much longer than one to be avoided, or one that has refused, another
// concentrator may take to answer.
const avoidance = 500 * time.Millisecond

// maxOffers bounds the concentrators that are remembered as alternatives.
const maxOffers = 16

// Reasons for which a discovery packet is dropped.
var (
	ErrUnexpected = errors.New("pppoe: packet not expected now")
	ErrNotOurs    = errors.New("pppoe: packet for, or from, somebody else")
	ErrIncomplete = errors.New("pppoe: packet lacks a tag that it must have")
	ErrUnwanted   = errors.New("pppoe: not the concentrator or service wanted")
)

// NewHostDiscovery makes a discovery for the station with the given address.
func NewHostDiscovery(own Addr, cfg HostConfig) *HostDiscovery {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.Attempts <= 0 {
		cfg.Attempts = 3
	}
	if cfg.HostUniq == nil {
		cfg.HostUniq = random.Fill(cfg.Rand, make([]byte, 8))
	}
	return &HostDiscovery{cfg: cfg, own: own}
}

// AwaitsPADO reports whether a PADI has been sent and no concentrator been chosen yet.
func (h *HostDiscovery) AwaitsPADO() bool { return h.step == PADI }

// Start sends the first PADI.
func (h *HostDiscovery) Start(now time.Time, q *Queue) {
	h.sent, h.offers, h.refused, h.denied, h.eager = 0, nil, nil, nil, now.Add(h.cfg.Eager)
	h.unmatched = nil
	h.sendPADI(now, q)
}

// Deadline is when Advance wants to be called; zero: never.
func (h *HostDiscovery) Deadline() time.Time { return h.deadline }

// Advance does what is due at now: RFC 2516 section 8, the packet again, with
// twice the patience; after the last PADR, back to PADI with the next offer, if
// there is one.
func (h *HostDiscovery) Advance(now time.Time, q *Queue) Finding {
	if h.deadline.IsZero() || now.Before(h.deadline) {
		return Finding{}
	}
	switch {
	case h.step == PADI && len(h.offers) > 0:
		h.tryNext(now, q) // only those to be avoided have answered
	case h.step == PADI && len(h.refused) > 0:
		return h.giveUp(0)
	case h.step == PADI && h.sent < h.cfg.Attempts:
		h.sendPADI(now, q)
	case h.step == PADI:
		return h.giveUp(PADO)
	case h.sent < h.cfg.Attempts:
		h.sendPADR(now, q)
	case !h.tryNext(now, q):
		return h.giveUp(PADS)
	}
	return Finding{}
}

func (h *HostDiscovery) giveUp(missing Code) Finding {
	h.step, h.deadline = 0, time.Time{}
	return Finding{GaveUp: missing}
}

// Receive takes a discovery packet. An error says that it was dropped, and why.
func (h *HostDiscovery) Receive(now time.Time, f DiscoveryFrame, q *Queue) (Finding, error) {
	if f.Dst != h.own || !f.Src.IsUnicast() {
		return Finding{}, ErrNotOurs
	}
	switch {
	case f.Code == PADO && (h.step == PADI || h.step == PADR):
		return h.receivePADO(now, f, q)
	case f.Code == PADS && h.step == PADR:
		return h.receivePADS(now, f, q)
	}
	return Finding{}, ErrUnexpected
}

// receivePADO takes the first offer that will do, and remembers others.
func (h *HostDiscovery) receivePADO(now time.Time, f DiscoveryFrame, q *Queue) (Finding, error) {
	if err := h.checkPADO(f); err != nil {
		h.note(f, h.mismatch(f), "")
		return Finding{}, err
	}
	if e, bad := f.Tags.FindError(); bad {
		h.note(f, RefusesUs, strings.TrimSpace(e.Tag.String()+" "+e.Text))
		return h.deny(&Refusal{f.Src, e})
	}
	offer := Offer{f.Src, append(Tags(nil), f.Tags...)}
	switch {
	case h.cfg.Probe:
	case slices.Contains(h.refused, f.Src):
		return Finding{}, ErrUnwanted
	case h.step == PADI && slices.Contains(h.cfg.Avoid, f.Src):
		h.remember(offer)
		h.deadline = ppp.Earliest(h.deadline, now.Add(avoidance))
	case h.step == PADI:
		h.choose(now, offer, q)
	case f.Src == h.chosen.AC:
		return Finding{}, ErrUnexpected
	default:
		h.remember(offer)
	}
	return Finding{Offer: &offer}, nil
}

// deny tells of a concentrator that has an error for us and no offer: once of each, and of so
// many only, as anybody on the segment can send such packets.
func (h *HostDiscovery) deny(r *Refusal) (Finding, error) {
	if slices.Contains(h.denied, r.AC) || len(h.denied) >= maxOffers {
		return Finding{}, ErrUnwanted
	}
	h.denied = append(h.denied, r.AC)
	return Finding{Refusal: r}, nil
}

// checkPADO holds an offer against RFC 2516 section 5.2 and against our wishes.
func (h *HostDiscovery) checkPADO(f DiscoveryFrame) error {
	name, named := f.Tags.Find(TagACName)
	switch {
	case f.SessionID != 0 || !h.echoes(f.Tags):
		return ErrNotOurs
	case !named:
		return ErrIncomplete
	case h.cfg.AC != Addr{} && f.Src != h.cfg.AC, len(h.cfg.ACNames) > 0 && !slices.Contains(h.cfg.ACNames, string(name)):
		return ErrUnwanted
	case h.cfg.Service != "" && !offers(f.Tags, h.cfg.Service):
		return ErrUnwanted
	}
	return nil
}

// echoes says whether a packet bears our Host-Uniq, octet for octet.
func (h *HostDiscovery) echoes(tags Tags) bool {
	v, ok := tags.Find(TagHostUniq)
	if len(h.cfg.HostUniq) == 0 {
		return !ok || len(v) == 0
	}
	return ok && bytes.Equal(v, h.cfg.HostUniq)
}

func offers(tags Tags, service string) bool {
	for t := range tags.All() {
		if t.Type == TagServiceName && string(t.Value) == service {
			return true
		}
	}
	return false
}

func (h *HostDiscovery) remember(o Offer) {
	for i := range h.offers {
		if h.offers[i].AC == o.AC {
			h.offers[i] = o
			return
		}
	}
	if len(h.offers) < maxOffers {
		h.offers = append(h.offers, o)
	}
}

func (h *HostDiscovery) choose(now time.Time, o Offer, q *Queue) {
	h.chosen, h.sent, h.asked = o, 0, now
	h.sendPADR(now, q)
}

// tryNext goes on with another offer, if there is one.
func (h *HostDiscovery) tryNext(now time.Time, q *Queue) bool {
	if len(h.offers) == 0 {
		return false
	}
	next := h.offers[0]
	h.offers = h.offers[1:]
	h.choose(now, next, q)
	return true
}

// receivePADS takes the answer to our PADR, from whom it was sent to. A session
// of 0 is a refusal, with an error tag or without; 0xffff is reserved.
func (h *HostDiscovery) receivePADS(now time.Time, f DiscoveryFrame, q *Queue) (Finding, error) {
	if f.Src != h.chosen.AC || !h.echoes(f.Tags) {
		return Finding{}, ErrNotOurs
	}
	if e, bad := f.Tags.FindError(); bad || f.SessionID == 0 {
		h.heedRefusal(now, f.Src, q)
		return Finding{Refusal: &Refusal{f.Src, e}}, nil
	}
	if f.SessionID == 0xffff {
		return Finding{}, ErrUnexpected
	}
	h.step, h.deadline = 0, time.Time{}
	service, _ := f.Tags.Find(TagServiceName)
	g := &Grant{
		SessionID: f.SessionID, AC: f.Src, ACName: h.chosen.Name(), Service: string(service),
		// RFC 4638 section 4: without the tag in PADS, 1492 it is.
		MaxPayload: min(f.Tags.MaxPayload(), h.cfg.MaxPayload),
		Took:       now.Sub(h.asked),
		Ending:     h.ending(),
	}
	return Finding{Grant: g}, nil
}

// heedRefusal goes on with the next offer. The first to answer may be the first to
// refuse: then others are given a moment.
func (h *HostDiscovery) heedRefusal(now time.Time, by Addr, q *Queue) {
	h.refused = append(h.refused, by)
	switch {
	case len(h.refused) >= maxOffers:
		h.giveUp(0)
	case !h.tryNext(now, q):
		h.step, h.deadline = PADI, now.Add(avoidance)
	}
}

// Over says that discovery has ended: with a grant, or in vain.
func (h *HostDiscovery) Over() bool { return h.step == 0 }

func (h *HostDiscovery) sendPADI(now time.Time, q *Queue) {
	tags := h.service(nil)
	q.add(DiscoveryFrame{Broadcast, h.own, Discovery{PADI, 0, h.ours(tags)}})
	h.wait(now, PADI)
}

// awaits says whether a concentrator has been asked for a session, and is to answer.
func (h *HostDiscovery) awaits(ac Addr) bool { return h.step == PADR && h.chosen.AC == ac }

func (h *HostDiscovery) sendPADR(now time.Time, q *Queue) {
	tags := h.ours(h.service(nil)).echo(h.chosen.Tags, TagACCookie, TagRelaySessionID)
	q.add(DiscoveryFrame{h.chosen.AC, h.own, Discovery{PADR, 0, tags}})
	h.wait(now, PADR)
}

// ending are the tags of a PADT, in pppd's order: some concentrators and relays find the
// session by them.
func (h *HostDiscovery) ending() (tags Tags) {
	if len(h.cfg.HostUniq) > 0 {
		tags = tags.Append(TagHostUniq, h.cfg.HostUniq)
	}
	return tags.echo(h.chosen.Tags, TagACCookie, TagRelaySessionID)
}

func (h *HostDiscovery) service(tags Tags) Tags {
	if h.cfg.OmitService {
		return tags
	}
	return tags.Append(TagServiceName, []byte(h.cfg.Service))
}

// ours appends what all our packets bear.
func (h *HostDiscovery) ours(tags Tags) Tags {
	if len(h.cfg.HostUniq) > 0 {
		tags = tags.Append(TagHostUniq, h.cfg.HostUniq)
	}
	tags = h.cfg.AccessLine.appendTo(tags)
	if n := h.cfg.MaxPayload; n > ethernetPayload {
		tags = tags.Append(TagMaxPayload, []byte{byte(n >> 8), byte(n)})
	}
	return tags
}

// ethernetPayload is the longest PPP payload of a plain Ethernet frame, in octets
// (RFC 2516 section 7).
const ethernetPayload = 1492

func (h *HostDiscovery) wait(now time.Time, step Code) {
	if h.step != step {
		h.sent = 0
	}
	h.step = step
	h.deadline = now.Add(h.patience(now))
}

// patience is how long to wait for the answer to what is being sent.
func (h *HostDiscovery) patience(now time.Time) time.Duration {
	if h.step == PADI && now.Before(h.eager) {
		// These do not count, and must not fall into step with everybody else's.
		return min(h.cfg.Timeout, time.Second+h.jitter(time.Second/2))
	}
	doubled := h.sent
	h.sent++
	if h.cfg.Probe {
		doubled = 0
	}
	return h.cfg.Timeout << min(doubled, 10)
}

// jitter is a random time up to a limit.
func (h *HostDiscovery) jitter(limit time.Duration) time.Duration {
	var b [1]byte
	return limit * time.Duration(random.Fill(h.cfg.Rand, b[:])[0]) / 256
}
