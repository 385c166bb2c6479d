package dhcp6

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"upppoe/internal/ipv6/lifetime"
)

// ClientConfig is what a Client is told. DUID and Rand must be set.
type ClientConfig struct {
	DUID DUID
	// IAID identifies what we ask for among all that is asked for under this DUID,
	// for all time: a line's (RFC 8415 section 12).
	IAID uint32
	// AddressHint is the address we would like; invalid: any. PrefixHint is the
	// delegated prefix we would like or, like ::/56, its length; invalid: any.
	AddressHint netip.Addr
	PrefixHint  netip.Prefix
	// OptionRequest says which services to ask for too.
	OptionRequest OptionRequest
	// Rand spreads messages in time and makes their identifiers.
	Rand *rand.Rand
}

// IARequest is what to ask a server for; neither: only for the rest, like name servers.
type IARequest struct{ Address, Prefix bool }

// Client is a client on one link. Make it with NewClient.
type Client struct {
	cfg           ClientConfig
	iaid          [4]byte
	state         state
	want          IARequest
	exchange      exchange
	address       association
	prefix        association
	server        DUID // whom we have it from
	best          *advertised
	rejected      int // requests that got nothing, in a row
	solMaxRT      time.Duration
	infMaxRT      time.Duration
	refreshAt     time.Time // when to ask for the rest anew; zero: never
	nameServers   []netip.Addr
	searchDomains []string
	// services are what a server has told of those asked for.
	services     Services
	rejections   [rejectionKinds]Rejection
	sendFailures int  // in a row
	answered     bool // a server has answered the present exchange
}

// state is what a client does.
type state int

const (
	idle state = iota
	soliciting
	requesting
	bound
	renewing
	rebinding
	informing
	informed
	releasing
)

func (s state) String() string {
	return [...]string{"idle", "soliciting", "requesting", "bound", "renewing", "rebinding", "informing", "informed", "releasing"}[s]
}

// Configuration is what a Client has got. It is the caller's.
type Configuration struct {
	Addresses     []Lease
	Prefixes      []Lease
	NameServers   []netip.Addr // name servers
	SearchDomains []string     // to search for names
	Services      Services
	// Server is whom it is from; empty: there is none yet.
	Server DUID
	// State is what the client does, in a word.
	State string
}

// NewClient makes a client, which does nothing before Want.
func NewClient(cfg *ClientConfig) *Client {
	c := &Client{cfg: *cfg}
	binary.BigEndian.PutUint32(c.iaid[:], cfg.IAID)
	return c
}

// Request begins to ask a server, or to ask it for more. What has been wished stays so.
func (c *Client) Request(now time.Time, w IARequest) {
	w = IARequest{c.want.Address || w.Address, c.want.Prefix || w.Prefix}
	more := w != c.want
	c.want = w
	switch {
	case c.state == idle && w == IARequest{}:
		c.begin(now, informing)
	case c.state == idle, (c.state == informing || c.state == informed) && more:
		c.begin(now, soliciting)
	case c.state == bound && more:
		c.begin(now, renewing) // RFC 8415 section 18.2.4: it may ask for more
	}
}

// Release gives back what there is, which must not be used any more. Done says when the
// server knows.
func (c *Client) Release(now time.Time) {
	if !c.address.hasLease() && !c.prefix.hasLease() {
		c.state, c.exchange = idle, exchange{}
		return
	}
	c.begin(now, releasing)
}

// Done reports whether nothing is under way and nothing held.
func (c *Client) Done() bool { return c.state == idle }

// begin sets what to do next. The message follows from Advance.
func (c *Client) begin(now time.Time, s state) {
	c.state, c.best, c.answered = s, nil, false
	x := exchange{next: now}
	switch s {
	case soliciting:
		x.kind, x.retransmission = dhcpv6.MessageTypeSolicit, solicitRetransmission
		x.mrt = or(c.solMaxRT, x.mrt)
		x.next = now.Add(c.backoff())
	case requesting:
		x.kind, x.retransmission = dhcpv6.MessageTypeRequest, requestRetransmission
	case renewing:
		x.kind, x.retransmission, x.deadline = dhcpv6.MessageTypeRenew, renewRetransmission, c.t2()
	case rebinding:
		x.kind, x.retransmission = dhcpv6.MessageTypeRebind, renewRetransmission
	case informing:
		x.kind, x.retransmission = dhcpv6.MessageTypeInformationRequest, informRetransmission
		x.mrt = or(c.infMaxRT, x.mrt)
	case releasing:
		x.kind, x.retransmission = dhcpv6.MessageTypeRelease, releaseRetransmission
	default:
		x = exchange{}
	}
	binary.BigEndian.PutUint16(x.id[:], uint16(c.cfg.Rand.Uint32()))
	x.id[2] = byte(c.cfg.Rand.Uint32())
	c.exchange = x
}

func or(d, other time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return other
}

// backoff keeps us from asking a server again and again that advertises what it does not
// give.
func (c *Client) backoff() time.Duration {
	if c.rejected == 0 {
		return 0
	}
	d := time.Second << min(c.rejected-1, 12)
	return min(d, or(c.solMaxRT, defaultSolMaxRT))
}

// Advance does what is due. It returns a message for Servers; nil: there is none. Call
// it until there is none.
func (c *Client) Advance(now time.Time) []byte {
	if c.state != releasing {
		c.expire(now)
	}
	c.advanceState(now)
	if c.exchange.kind == dhcpv6.MessageTypeNone || now.Before(c.exchange.next) {
		return nil
	}
	m := c.message(now)
	c.exchange.transmitted(now, c.cfg.Rand)
	return m.ToBytes()
}

// How soon, and how often, to try again to send at all: where the device has just come up, or
// its address is not yet usable.
const (
	sendRetryInterval = 100 * time.Millisecond
	maxSendRetries    = 30
)

// SendFailed says that what Advance has returned could not be sent. The first message of an exchange
// is tried again soon then, for three seconds, as if it had never been due.
func (c *Client) SendFailed(now time.Time) {
	if c.exchange.sent != 1 || c.sendFailures >= maxSendRetries {
		return
	}
	c.sendFailures++
	c.exchange.sent, c.exchange.next = 0, now.Add(sendRetryInterval)
}

// advanceState goes on from what has taken long enough.
func (c *Client) advanceState(now time.Time) {
	switch c.state {
	case soliciting:
		if c.best != nil && c.exchange.sent > 0 && !now.Before(c.exchange.next) {
			c.startRequest(now)
		}
	case requesting:
		if c.exchange.exhausted(now) {
			c.begin(now, soliciting)
		}
	case bound:
		c.extend(now)
	case renewing:
		if c.exchange.exhausted(now) {
			c.begin(now, rebinding)
		}
	case releasing:
		if c.exchange.exhausted(now) {
			c.reset()
		}
	case informed:
		if lifetime.Reached(now, c.refreshAt) {
			c.begin(now, informing)
		}
	}
}

func (c *Client) extend(now time.Time) {
	switch {
	case lifetime.Reached(now, c.t2()):
		c.begin(now, rebinding)
	case lifetime.Reached(now, c.t1()):
		c.begin(now, renewing)
	}
}

// expire drops what has ended. Without anything left, we ask from the beginning.
func (c *Client) expire(now time.Time) {
	had := c.hasLease()
	c.address.expire(now)
	c.prefix.expire(now)
	if had && !c.hasLease() && (c.state == bound || c.state == renewing || c.state == rebinding || c.state == requesting) {
		c.begin(now, soliciting)
	}
}

func (c *Client) hasLease() bool { return c.address.hasLease() || c.prefix.hasLease() }

// reset ends a release.
func (c *Client) reset() {
	c.address, c.prefix, c.server = association{}, association{}, nil
	c.rejections = [rejectionKinds]Rejection{}
	c.state, c.exchange = idle, exchange{}
}

// t1 is when to ask for more time; what is wished for and has never been given is asked
// for then too.
func (c *Client) t1() time.Time {
	return c.earliest(func(a *association) time.Time { return a.t1 })
}

func (c *Client) t2() time.Time {
	return c.earliest(func(a *association) time.Time { return a.t2 })
}

func (c *Client) earliest(of func(*association) time.Time) (t time.Time) {
	if c.want.Address {
		t = of(&c.address)
	}
	if c.want.Prefix {
		t = lifetime.Earliest(t, of(&c.prefix))
	}
	return t
}

// Next is when Advance has something to do; zero: not before a message comes.
func (c *Client) Next() time.Time {
	next := lifetime.Earliest(c.address.nextExpiry(), c.prefix.nextExpiry())
	switch c.state {
	case idle:
		return time.Time{}
	case bound:
		return lifetime.Earliest(next, c.t1(), c.t2())
	case informed:
		return c.refreshAt
	case releasing:
		return c.exchange.next
	}
	return lifetime.Earliest(next, c.exchange.next, c.exchange.deadline)
}

// Configuration is what the client has now: nothing once it is being released.
func (c *Client) Configuration() Configuration {
	l := Configuration{State: c.state.String(), Server: slices.Clone(c.server)}
	if c.state == releasing {
		return l
	}
	l.Addresses, l.Prefixes = slices.Clone(c.address.leases), slices.Clone(c.prefix.leases)
	l.NameServers, l.SearchDomains, l.Services = slices.Clone(c.nameServers), slices.Clone(c.searchDomains), c.services.clone()
	return l
}

// message is what to send in the present state (RFC 8415 section 18.2).
func (c *Client) message(now time.Time) *dhcpv6.Message {
	m := &dhcpv6.Message{MessageType: c.exchange.kind, TransactionID: c.exchange.id}
	m.AddOption(rawOption(dhcpv6.OptionClientID, c.cfg.DUID))
	if c.state == requesting || c.state == renewing || c.state == releasing {
		m.AddOption(rawOption(dhcpv6.OptionServerID, c.server))
	}
	m.AddOption(dhcpv6.OptElapsedTime(c.exchange.elapsed(now)))
	if c.state == soliciting {
		m.AddOption(rawOption(dhcpv6.OptionRapidCommit, nil))
	}
	if c.state != releasing {
		m.AddOption(dhcpv6.OptRequestedOption(c.requestedOptions()...))
	}
	c.addAssociations(m)
	return m
}

func (c *Client) requestedOptions() []dhcpv6.OptionCode {
	list := append([]dhcpv6.OptionCode{dhcpv6.OptionDNSRecursiveNameServer, dhcpv6.OptionDomainSearchList}, c.cfg.OptionRequest.codes()...)
	if c.state == informing {
		return append(list, dhcpv6.OptionInformationRefreshTime, optionInfMaxRT)
	}
	return append(list, dhcpv6.OptionSolMaxRT)
}

func (c *Client) addAssociations(m *dhcpv6.Message) {
	if c.state == informing {
		return
	}
	address, prefix := c.address.leases, c.prefix.leases
	if c.state == requesting && c.best != nil {
		address, prefix = c.best.address.requested(address), c.best.prefix.requested(prefix)
	}
	if c.state != releasing {
		address, prefix = c.addHints(address, prefix)
	}
	if c.want.Address && (c.state != releasing || len(address) > 0) {
		m.AddOption(iaNAOption(c.iaid, address))
	}
	if c.want.Prefix && (c.state != releasing || len(prefix) > 0) {
		m.AddOption(iaPDOption(c.iaid, prefix))
	}
}

// addHints adds what we would like where there is nothing (RFC 8415 section 18.2.1).
func (c *Client) addHints(address, prefix []Lease) (_, _ []Lease) {
	if a := c.cfg.AddressHint; len(address) == 0 && a.IsValid() {
		address = []Lease{{Prefix: netip.PrefixFrom(a, a.BitLen())}}
	}
	if p := c.cfg.PrefixHint; len(prefix) == 0 && p.IsValid() {
		prefix = []Lease{{Prefix: p}}
	}
	return address, prefix
}

// requested are the leases to ask for: what was offered, or else what we have.
func (o *receivedIA) requested(have []Lease) (leases []Lease) {
	if o == nil {
		return have
	}
	for _, l := range o.leases {
		leases = append(leases, Lease{Prefix: l.prefix})
	}
	return leases
}
