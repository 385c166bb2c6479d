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

// EthernetPayload is the longest PPP payload in a 1500-octet Ethernet payload, in octets (RFC 2516
// section 7).
const EthernetPayload = 1492

// MaxOffers bounds each list of concentrators that a Client keeps: of offers, of rejections, and of
// unmatched concentrators.
const MaxOffers = 16

// Reasons why Client.Receive, Client.CheckPADO, Concentrator.ReceivePADI and ReceivePADR drop a
// packet.
var (
	ErrUnexpected = errors.New("discovery: packet not expected now")
	ErrNotOurs    = errors.New("discovery: packet for or from another station")
	ErrIncomplete = errors.New("discovery: packet lacks a required tag")
	ErrUnwanted   = errors.New("discovery: not the configured concentrator or service")
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
func (c *Client) AwaitsPADO() bool { return c.step == wire.PADI }

// AwaitsPADS reports whether a concentrator was sent a PADR and has not answered.
func (c *Client) AwaitsPADS(ac wire.Addr) bool { return c.step == wire.PADR && c.chosen.AC == ac }

// Done reports whether discovery has ended, with a Grant or without.
func (c *Client) Done() bool { return c.step == 0 }

// Start sends the first PADI. It restarts a discovery in progress.
func (c *Client) Start(now time.Time, q *wire.Queue) {
	c.sent, c.offers, c.rejected, c.reportedErrors, c.fastUntil = 0, nil, nil, nil, now.Add(c.cfg.FastRetry)
	c.unmatched = nil
	c.sendPADI(now, q)
}

// Deadline returns when to call Advance; zero: never.
func (c *Client) Deadline() time.Time { return c.deadline }

// Advance does what is due at now (RFC 2516 section 8): it repeats the packet, with a doubled
// timeout, and after the last PADR sends one for the next offer, if there is one.
func (c *Client) Advance(now time.Time, q *wire.Queue) Result {
	if c.deadline.IsZero() || now.Before(c.deadline) {
		return Result{}
	}
	switch {
	case c.step == wire.PADI && len(c.offers) > 0:
		c.tryNext(now, q) // only concentrators to avoid have answered
	case c.step == wire.PADI && len(c.rejected) > 0:
		return c.giveUp(0)
	case c.step == wire.PADI && c.sent < c.cfg.Attempts:
		c.sendPADI(now, q)
	case c.step == wire.PADI:
		return c.giveUp(wire.PADO)
	case c.sent < c.cfg.Attempts:
		c.sendPADR(now, q)
	case !c.tryNext(now, q):
		return c.giveUp(wire.PADS)
	}
	return Result{}
}

func (c *Client) giveUp(missing wire.Code) Result {
	c.step, c.deadline = 0, time.Time{}
	return Result{TimedOut: missing}
}

// Receive handles a discovery packet. The error is the reason for dropping it.
func (c *Client) Receive(now time.Time, f wire.DiscoveryFrame, q *wire.Queue) (Result, error) {
	if f.Dst != c.own || !f.Src.IsUnicast() {
		return Result{}, ErrNotOurs
	}
	switch {
	case f.Code == wire.PADO && (c.step == wire.PADI || c.step == wire.PADR):
		return c.receivePADO(now, f, q)
	case f.Code == wire.PADS && c.step == wire.PADR:
		return c.receivePADS(now, f, q)
	}
	return Result{}, ErrUnexpected
}

// receivePADO accepts the first matching offer, and keeps others.
func (c *Client) receivePADO(now time.Time, f wire.DiscoveryFrame, q *wire.Queue) (Result, error) {
	if err := c.CheckPADO(f); err != nil {
		c.noteUnmatched(f, c.mismatch(f), "")
		return Result{}, err
	}
	if e, bad := f.Tags.FindError(); bad {
		c.noteUnmatched(f, Rejected, strings.TrimSpace(e.Tag.String()+" "+e.Text))
		return c.reportError(&Rejection{f.Src, e})
	}
	offer := Offer{f.Src, append(wire.Tags(nil), f.Tags...)}
	switch {
	case c.cfg.Probe:
	case slices.Contains(c.rejected, f.Src):
		return Result{}, ErrUnwanted
	case c.step == wire.PADI && slices.Contains(c.cfg.Avoid, f.Src):
		c.addOffer(offer)
		c.deadline = ppp.Earliest(c.deadline, now.Add(avoidDelay))
	case c.step == wire.PADI:
		c.choose(now, offer, q)
	case f.Src == c.chosen.AC:
		return Result{}, ErrUnexpected
	default:
		c.addOffer(offer)
	}
	return Result{Offer: &offer}, nil
}

// reportError reports a PADO with an error tag: once per concentrator, and at most MaxOffers of
// them, because any station on the segment can send such packets.
func (c *Client) reportError(r *Rejection) (Result, error) {
	if slices.Contains(c.reportedErrors, r.AC) || len(c.reportedErrors) >= MaxOffers {
		return Result{}, ErrUnwanted
	}
	c.reportedErrors = append(c.reportedErrors, r.AC)
	return Result{Rejection: r}, nil
}

// CheckPADO checks an offer against RFC 2516 section 5.2 and the configuration. The error is the
// reason for dropping it.
func (c *Client) CheckPADO(f wire.DiscoveryFrame) error {
	name, named := f.Tags.Find(wire.TagACName)
	switch {
	case f.SessionID != 0 || !c.hostUniqMatches(f.Tags):
		return ErrNotOurs
	case !named:
		return ErrIncomplete
	case c.cfg.AC != wire.Addr{} && f.Src != c.cfg.AC, len(c.cfg.ACNames) > 0 && !slices.Contains(c.cfg.ACNames, string(name)):
		return ErrUnwanted
	case c.cfg.Service != "" && !offersService(f.Tags, c.cfg.Service):
		return ErrUnwanted
	}
	return nil
}

// hostUniqMatches reports whether a packet has our Host-Uniq, octet for octet.
func (c *Client) hostUniqMatches(tags wire.Tags) bool {
	v, ok := tags.Find(wire.TagHostUniq)
	if len(c.cfg.HostUniq) == 0 {
		return !ok || len(v) == 0
	}
	return ok && bytes.Equal(v, c.cfg.HostUniq)
}

func offersService(tags wire.Tags, service string) bool {
	for t := range tags.All() {
		if t.Type == wire.TagServiceName && string(t.Value) == service {
			return true
		}
	}
	return false
}

func (c *Client) addOffer(o Offer) {
	for i := range c.offers {
		if c.offers[i].AC == o.AC {
			c.offers[i] = o
			return
		}
	}
	if len(c.offers) < MaxOffers {
		c.offers = append(c.offers, o)
	}
}

func (c *Client) choose(now time.Time, o Offer, q *wire.Queue) {
	c.chosen, c.sent, c.padrSent = o, 0, now
	c.sendPADR(now, q)
}

// tryNext chooses the next offer, and reports whether there is one.
func (c *Client) tryNext(now time.Time, q *wire.Queue) bool {
	if len(c.offers) == 0 {
		return false
	}
	next := c.offers[0]
	c.offers = c.offers[1:]
	c.choose(now, next, q)
	return true
}

// receivePADS handles the answer to our PADR. Session ID 0 is a rejection, with or without an error
// tag; 0xffff is reserved (RFC 2516 section 4).
func (c *Client) receivePADS(now time.Time, f wire.DiscoveryFrame, q *wire.Queue) (Result, error) {
	if f.Src != c.chosen.AC || !c.hostUniqMatches(f.Tags) {
		return Result{}, ErrNotOurs
	}
	if e, bad := f.Tags.FindError(); bad || f.SessionID == 0 {
		c.handleRejection(now, f.Src, q)
		return Result{Rejection: &Rejection{f.Src, e}}, nil
	}
	if f.SessionID == 0xffff {
		return Result{}, ErrUnexpected
	}
	c.step, c.deadline = 0, time.Time{}
	service, _ := f.Tags.Find(wire.TagServiceName)
	g := &Grant{
		SessionID: f.SessionID, AC: f.Src, ACName: c.chosen.Name(), Service: string(service),
		// RFC 4638 section 4: without the tag in PADS, the payload is 1492.
		MaxPayload: min(f.Tags.MaxPayload(), c.cfg.MaxPayload),
		RTT:        now.Sub(c.padrSent),
		PADTTags:   c.padtTags(),
	}
	return Result{Grant: g}, nil
}

// handleRejection tries the next offer. If there is none yet, others get avoidDelay, as the first
// concentrator to answer may be the first to reject.
func (c *Client) handleRejection(now time.Time, by wire.Addr, q *wire.Queue) {
	c.rejected = append(c.rejected, by)
	switch {
	case len(c.rejected) >= MaxOffers:
		c.giveUp(0)
	case !c.tryNext(now, q):
		c.step, c.deadline = wire.PADI, now.Add(avoidDelay)
	}
}

func (c *Client) sendPADI(now time.Time, q *wire.Queue) {
	tags := c.serviceTag(nil)
	q.Add(wire.DiscoveryFrame{Dst: wire.Broadcast, Src: c.own, Discovery: wire.Discovery{Code: wire.PADI, SessionID: 0, Tags: c.commonTags(tags)}})
	c.startWait(now, wire.PADI)
}

func (c *Client) sendPADR(now time.Time, q *wire.Queue) {
	tags := c.commonTags(c.serviceTag(nil)).Echo(c.chosen.Tags, wire.TagACCookie, wire.TagRelaySessionID)
	q.Add(wire.DiscoveryFrame{Dst: c.chosen.AC, Src: c.own, Discovery: wire.Discovery{Code: wire.PADR, SessionID: 0, Tags: tags}})
	c.startWait(now, wire.PADR)
}

// padtTags returns the tags of the session's PADT, in pppd's order: some concentrators and relays
// identify the session by them.
func (c *Client) padtTags() (tags wire.Tags) {
	if len(c.cfg.HostUniq) > 0 {
		tags = tags.Append(wire.TagHostUniq, c.cfg.HostUniq)
	}
	return tags.Echo(c.chosen.Tags, wire.TagACCookie, wire.TagRelaySessionID)
}

func (c *Client) serviceTag(tags wire.Tags) wire.Tags {
	if c.cfg.OmitService {
		return tags
	}
	return tags.Append(wire.TagServiceName, []byte(c.cfg.Service))
}

// commonTags appends the tags of all our packets.
func (c *Client) commonTags(tags wire.Tags) wire.Tags {
	if len(c.cfg.HostUniq) > 0 {
		tags = tags.Append(wire.TagHostUniq, c.cfg.HostUniq)
	}
	tags = c.cfg.AccessLine.AppendTags(tags)
	if n := c.cfg.MaxPayload; n > EthernetPayload {
		tags = tags.Append(wire.TagMaxPayload, []byte{byte(n >> 8), byte(n)})
	}
	return tags
}

func (c *Client) startWait(now time.Time, step wire.Code) {
	if c.step != step {
		c.sent = 0
	}
	c.step = step
	c.deadline = now.Add(c.nextTimeout(now))
}

// nextTimeout returns how long to wait for the answer to the packet being sent.
func (c *Client) nextTimeout(now time.Time) time.Duration {
	if c.step == wire.PADI && now.Before(c.fastUntil) {
		// These do not count as attempts. Jitter keeps many clients from sending at the same time.
		return min(c.cfg.Timeout, time.Second+c.jitter(time.Second/2))
	}
	doublings := c.sent
	c.sent++
	if c.cfg.Probe {
		doublings = 0
	}
	return c.cfg.Timeout << min(doublings, 10)
}

// jitter returns a random time from 0 up to a limit.
func (c *Client) jitter(limit time.Duration) time.Duration {
	var b [1]byte
	return limit * time.Duration(random.Fill(c.cfg.Rand, b[:])[0]) / 256
}
