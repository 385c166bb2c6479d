package discovery

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"

	"upppoe/internal/random"
	"upppoe/ppp"
	"upppoe/pppoe/wire"
)

// Client is the Host's side of discovery (RFC 2516 section 5): a state machine that is given
// packets and the time. It is not safe for concurrent use.
type Client struct {
	cfg            ClientConfig
	own            wire.Addr
	step           wire.Code // the code sent last, PADI or PADR; 0: not started, or done
	sent           int       // how many times
	deadline       time.Time
	fastUntil      time.Time   // until when a PADI is sent every second
	offers         []Offer     // not yet tried
	rejected       []wire.Addr // concentrators that rejected our PADR
	reportedErrors []wire.Addr // concentrators whose PADO had an error tag that was reported
	chosen         Offer

	unmatched []Unmatched // see Unmatched
	padrSent  time.Time   // when the chosen concentrator was first sent a PADR
}

// avoidDelay is how long to wait for another offer, if only a concentrator to avoid has answered,
// or the first one has rejected us.
const avoidDelay = 500 * time.Millisecond

// MaxOffers is how many offers are kept, and how many concentrators are remembered for other
// reasons.
const MaxOffers = 16

// Reasons for dropping a discovery packet.
var (
	ErrUnexpected = errors.New("pppoe: packet not expected now")
	ErrNotOurs    = errors.New("pppoe: packet for or from another station")
	ErrIncomplete = errors.New("pppoe: packet lacks a required tag")
	ErrUnwanted   = errors.New("pppoe: not the configured concentrator or service")
)

// NewClient makes a client for the station with the given address.
func NewClient(own wire.Addr, cfg ClientConfig) *Client {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.Attempts <= 0 {
		cfg.Attempts = 3
	}
	if cfg.HostUniq == nil {
		cfg.HostUniq = random.Fill(cfg.Rand, make([]byte, 8))
	}
	return &Client{cfg: cfg, own: own}
}

// AwaitsPADO reports whether a PADI was sent and no concentrator was chosen yet.
func (h *Client) AwaitsPADO() bool { return h.step == wire.PADI }

// Start sends the first PADI. It restarts a discovery in progress.
func (h *Client) Start(now time.Time, q *wire.Queue) {
	h.sent, h.offers, h.rejected, h.reportedErrors, h.fastUntil = 0, nil, nil, nil, now.Add(h.cfg.FastRetry)
	h.unmatched = nil
	h.sendPADI(now, q)
}

// Deadline returns when to call Advance; zero: never.
func (h *Client) Deadline() time.Time { return h.deadline }

// Advance does what is due at now (RFC 2516 section 8): it repeats the packet, with a doublings
// timeout, and after the last PADR sends one for the next offer, if there is one.
func (h *Client) Advance(now time.Time, q *wire.Queue) Result {
	if h.deadline.IsZero() || now.Before(h.deadline) {
		return Result{}
	}
	switch {
	case h.step == wire.PADI && len(h.offers) > 0:
		h.tryNext(now, q) // only concentrators to avoid have answered
	case h.step == wire.PADI && len(h.rejected) > 0:
		return h.giveUp(0)
	case h.step == wire.PADI && h.sent < h.cfg.Attempts:
		h.sendPADI(now, q)
	case h.step == wire.PADI:
		return h.giveUp(wire.PADO)
	case h.sent < h.cfg.Attempts:
		h.sendPADR(now, q)
	case !h.tryNext(now, q):
		return h.giveUp(wire.PADS)
	}
	return Result{}
}

func (h *Client) giveUp(missing wire.Code) Result {
	h.step, h.deadline = 0, time.Time{}
	return Result{TimedOut: missing}
}

// Receive handles a discovery packet. The error is the reason for dropping it.
func (h *Client) Receive(now time.Time, f wire.DiscoveryFrame, q *wire.Queue) (Result, error) {
	if f.Dst != h.own || !f.Src.IsUnicast() {
		return Result{}, ErrNotOurs
	}
	switch {
	case f.Code == wire.PADO && (h.step == wire.PADI || h.step == wire.PADR):
		return h.receivePADO(now, f, q)
	case f.Code == wire.PADS && h.step == wire.PADR:
		return h.receivePADS(now, f, q)
	}
	return Result{}, ErrUnexpected
}

// receivePADO accepts the first matching offer, and keeps others.
func (h *Client) receivePADO(now time.Time, f wire.DiscoveryFrame, q *wire.Queue) (Result, error) {
	if err := h.CheckPADO(f); err != nil {
		h.noteUnmatched(f, h.mismatch(f), "")
		return Result{}, err
	}
	if e, bad := f.Tags.FindError(); bad {
		h.noteUnmatched(f, Rejected, strings.TrimSpace(e.Tag.String()+" "+e.Text))
		return h.reportError(&Rejection{f.Src, e})
	}
	offer := Offer{f.Src, append(wire.Tags(nil), f.Tags...)}
	switch {
	case h.cfg.Probe:
	case slices.Contains(h.rejected, f.Src):
		return Result{}, ErrUnwanted
	case h.step == wire.PADI && slices.Contains(h.cfg.Avoid, f.Src):
		h.addOffer(offer)
		h.deadline = ppp.Earliest(h.deadline, now.Add(avoidDelay))
	case h.step == wire.PADI:
		h.choose(now, offer, q)
	case f.Src == h.chosen.AC:
		return Result{}, ErrUnexpected
	default:
		h.addOffer(offer)
	}
	return Result{Offer: &offer}, nil
}

// reportError reports a PADO with an error tag: once per concentrator, and at most MaxOffers of
// them, since any station on the segment can send such packets.
func (h *Client) reportError(r *Rejection) (Result, error) {
	if slices.Contains(h.reportedErrors, r.AC) || len(h.reportedErrors) >= MaxOffers {
		return Result{}, ErrUnwanted
	}
	h.reportedErrors = append(h.reportedErrors, r.AC)
	return Result{Rejection: r}, nil
}

// CheckPADO checks an offer against RFC 2516 section 5.2 and the configuration. The error is the
// reason for dropping it.
func (h *Client) CheckPADO(f wire.DiscoveryFrame) error {
	name, named := f.Tags.Find(wire.TagACName)
	switch {
	case f.SessionID != 0 || !h.hostUniqMatches(f.Tags):
		return ErrNotOurs
	case !named:
		return ErrIncomplete
	case h.cfg.AC != wire.Addr{} && f.Src != h.cfg.AC, len(h.cfg.ACNames) > 0 && !slices.Contains(h.cfg.ACNames, string(name)):
		return ErrUnwanted
	case h.cfg.Service != "" && !offersService(f.Tags, h.cfg.Service):
		return ErrUnwanted
	}
	return nil
}

// hostUniqMatches reports whether a packet has our Host-Uniq, octet for octet.
func (h *Client) hostUniqMatches(tags wire.Tags) bool {
	v, ok := tags.Find(wire.TagHostUniq)
	if len(h.cfg.HostUniq) == 0 {
		return !ok || len(v) == 0
	}
	return ok && bytes.Equal(v, h.cfg.HostUniq)
}

func offersService(tags wire.Tags, service string) bool {
	for t := range tags.All() {
		if t.Type == wire.TagServiceName && string(t.Value) == service {
			return true
		}
	}
	return false
}

func (h *Client) addOffer(o Offer) {
	for i := range h.offers {
		if h.offers[i].AC == o.AC {
			h.offers[i] = o
			return
		}
	}
	if len(h.offers) < MaxOffers {
		h.offers = append(h.offers, o)
	}
}

func (h *Client) choose(now time.Time, o Offer, q *wire.Queue) {
	h.chosen, h.sent, h.padrSent = o, 0, now
	h.sendPADR(now, q)
}

// tryNext chooses the next offer, and reports whether there is one.
func (h *Client) tryNext(now time.Time, q *wire.Queue) bool {
	if len(h.offers) == 0 {
		return false
	}
	next := h.offers[0]
	h.offers = h.offers[1:]
	h.choose(now, next, q)
	return true
}

// receivePADS handles the answer to our PADR. Session ID 0 is a rejection, with or without an error
// tag; 0xffff is reserved (RFC 2516 section 4).
func (h *Client) receivePADS(now time.Time, f wire.DiscoveryFrame, q *wire.Queue) (Result, error) {
	if f.Src != h.chosen.AC || !h.hostUniqMatches(f.Tags) {
		return Result{}, ErrNotOurs
	}
	if e, bad := f.Tags.FindError(); bad || f.SessionID == 0 {
		h.handleRejection(now, f.Src, q)
		return Result{Rejection: &Rejection{f.Src, e}}, nil
	}
	if f.SessionID == 0xffff {
		return Result{}, ErrUnexpected
	}
	h.step, h.deadline = 0, time.Time{}
	service, _ := f.Tags.Find(wire.TagServiceName)
	g := &Grant{
		SessionID: f.SessionID, AC: f.Src, ACName: h.chosen.Name(), Service: string(service),
		// RFC 4638 section 4: without the tag in PADS, the payload is 1492.
		MaxPayload: min(f.Tags.MaxPayload(), h.cfg.MaxPayload),
		RTT:        now.Sub(h.padrSent),
		PADTTags:   h.padtTags(),
	}
	return Result{Grant: g}, nil
}

// handleRejection tries the next offer. If there is none yet, others get avoidDelay, as the first
// concentrator to answer may be the first to reject.
func (h *Client) handleRejection(now time.Time, by wire.Addr, q *wire.Queue) {
	h.rejected = append(h.rejected, by)
	switch {
	case len(h.rejected) >= MaxOffers:
		h.giveUp(0)
	case !h.tryNext(now, q):
		h.step, h.deadline = wire.PADI, now.Add(avoidDelay)
	}
}

// Done reports whether discovery has ended, with a Grant or without.
func (h *Client) Done() bool { return h.step == 0 }

func (h *Client) sendPADI(now time.Time, q *wire.Queue) {
	tags := h.serviceTag(nil)
	q.Add(wire.DiscoveryFrame{Dst: wire.Broadcast, Src: h.own, Discovery: wire.Discovery{Code: wire.PADI, SessionID: 0, Tags: h.commonTags(tags)}})
	h.startWait(now, wire.PADI)
}

// AwaitsPADS reports whether a concentrator was sent a PADR and has not answered.
func (h *Client) AwaitsPADS(ac wire.Addr) bool { return h.step == wire.PADR && h.chosen.AC == ac }

func (h *Client) sendPADR(now time.Time, q *wire.Queue) {
	tags := h.commonTags(h.serviceTag(nil)).Echo(h.chosen.Tags, wire.TagACCookie, wire.TagRelaySessionID)
	q.Add(wire.DiscoveryFrame{Dst: h.chosen.AC, Src: h.own, Discovery: wire.Discovery{Code: wire.PADR, SessionID: 0, Tags: tags}})
	h.startWait(now, wire.PADR)
}

// padtTags returns the tags of the session's PADT, in pppd's order: some concentrators and relays
// identify the session by them.
func (h *Client) padtTags() (tags wire.Tags) {
	if len(h.cfg.HostUniq) > 0 {
		tags = tags.Append(wire.TagHostUniq, h.cfg.HostUniq)
	}
	return tags.Echo(h.chosen.Tags, wire.TagACCookie, wire.TagRelaySessionID)
}

func (h *Client) serviceTag(tags wire.Tags) wire.Tags {
	if h.cfg.OmitService {
		return tags
	}
	return tags.Append(wire.TagServiceName, []byte(h.cfg.Service))
}

// commonTags appends the tags of all our packets.
func (h *Client) commonTags(tags wire.Tags) wire.Tags {
	if len(h.cfg.HostUniq) > 0 {
		tags = tags.Append(wire.TagHostUniq, h.cfg.HostUniq)
	}
	tags = h.cfg.AccessLine.AppendTags(tags)
	if n := h.cfg.MaxPayload; n > EthernetPayload {
		tags = tags.Append(wire.TagMaxPayload, []byte{byte(n >> 8), byte(n)})
	}
	return tags
}

// EthernetPayload is the longest PPP payload of a plain Ethernet frame, in octets (RFC 2516 section
// 7).
const EthernetPayload = 1492

func (h *Client) startWait(now time.Time, step wire.Code) {
	if h.step != step {
		h.sent = 0
	}
	h.step = step
	h.deadline = now.Add(h.nextTimeout(now))
}

// nextTimeout returns how long to wait for the answer to the packet being sent.
func (h *Client) nextTimeout(now time.Time) time.Duration {
	if h.step == wire.PADI && now.Before(h.fastUntil) {
		// These do not count as attempts. Jitter keeps many clients from sending at the same time.
		return min(h.cfg.Timeout, time.Second+h.jitter(time.Second/2))
	}
	doublings := h.sent
	h.sent++
	if h.cfg.Probe {
		doublings = 0
	}
	return h.cfg.Timeout << min(doublings, 10)
}

// jitter returns a random time from 0 up to a limit.
func (h *Client) jitter(limit time.Duration) time.Duration {
	var b [1]byte
	return limit * time.Duration(random.Fill(h.cfg.Rand, b[:])[0]) / 256
}
