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
	// Request says which services to ask for too.
	Request Request
	// Rand spreads messages in time and makes their identifiers.
	Rand *rand.Rand
}

// Wish is what to ask a server for; neither: only for the rest, like name servers.
type Wish struct{ Address, Prefix bool }

// Client is a client on one link. Make it with NewClient.
type Client struct {
	cfg     ClientConfig
	iaid    [4]byte
	state   state
	wish    Wish
	x       exchange
	address association
	prefix  association
	server  DUID // whom we have it from
	best    *advertised
	refused int // requests that got nothing, in a row
	solMax  time.Duration
	infMax  time.Duration
	refresh time.Time // when to ask for the rest anew; zero: never
	servers []netip.Addr
	domains []string
	// services are what a server has told of those asked for.
	services Services
	refusals [refusalKinds]Refusal
	unsent   int  // in a row
	heard    bool // a server has answered the present exchange
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

// Lease is what a Client has got. It is the caller's.
type Lease struct {
	Addresses []Leased
	Prefixes  []Leased
	Servers   []netip.Addr // name servers
	Domains   []string     // to search for names
	Services  Services
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

// Want begins to ask a server, or to ask it for more. What has been wished stays so.
func (c *Client) Want(now time.Time, w Wish) {
	w = Wish{c.wish.Address || w.Address, c.wish.Prefix || w.Prefix}
	more := w != c.wish
	c.wish = w
	switch {
	case c.state == idle && w == Wish{}:
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
	if !c.address.held() && !c.prefix.held() {
		c.state, c.x = idle, exchange{}
		return
	}
	c.begin(now, releasing)
}

// Done reports whether nothing is under way and nothing held.
func (c *Client) Done() bool { return c.state == idle }

// begin sets what to do next. The message follows from Advance.
func (c *Client) begin(now time.Time, s state) {
	c.state, c.best, c.heard = s, nil, false
	x := exchange{at: now}
	switch s {
	case soliciting:
		x.kind, x.timing = dhcpv6.MessageTypeSolicit, solicitTiming
		x.most = or(c.solMax, x.most)
		x.at = now.Add(c.pause())
	case requesting:
		x.kind, x.timing = dhcpv6.MessageTypeRequest, requestTiming
	case renewing:
		x.kind, x.timing, x.end = dhcpv6.MessageTypeRenew, renewTiming, c.t2()
	case rebinding:
		x.kind, x.timing = dhcpv6.MessageTypeRebind, renewTiming
	case informing:
		x.kind, x.timing = dhcpv6.MessageTypeInformationRequest, informTiming
		x.most = or(c.infMax, x.most)
	case releasing:
		x.kind, x.timing = dhcpv6.MessageTypeRelease, releaseTiming
	default:
		x = exchange{}
	}
	binary.BigEndian.PutUint16(x.id[:], uint16(c.cfg.Rand.Uint32()))
	x.id[2] = byte(c.cfg.Rand.Uint32())
	c.x = x
}

func or(d, other time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return other
}

// pause keeps us from asking a server again and again that advertises what it does not
// give.
func (c *Client) pause() time.Duration {
	if c.refused == 0 {
		return 0
	}
	d := time.Second << min(c.refused-1, 12)
	return min(d, or(c.solMax, defaultSolMaxRT))
}

// Advance does what is due. It returns a message for Servers; nil: there is none. Call
// it until there is none.
func (c *Client) Advance(now time.Time) []byte {
	if c.state != releasing {
		c.expire(now)
	}
	c.proceed(now)
	if c.x.kind == dhcpv6.MessageTypeNone || now.Before(c.x.at) {
		return nil
	}
	m := c.message(now)
	c.x.repeat(now, c.cfg.Rand)
	return m.ToBytes()
}

// How soon, and how often, to try again to send at all: where the device has just come up, or
// its address is not yet usable.
const (
	unsentInterval = 100 * time.Millisecond
	maxUnsent      = 30
)

// Unsent says that what Advance has returned could not be sent. The first message of an exchange
// is tried again soon then, for three seconds, as if it had never been due.
func (c *Client) Unsent(now time.Time) {
	if c.x.sent != 1 || c.unsent >= maxUnsent {
		return
	}
	c.unsent++
	c.x.sent, c.x.at = 0, now.Add(unsentInterval)
}

// proceed goes on from what has taken long enough.
func (c *Client) proceed(now time.Time) {
	switch c.state {
	case soliciting:
		if c.best != nil && c.x.sent > 0 && !now.Before(c.x.at) {
			c.request(now)
		}
	case requesting:
		if c.x.exhausted(now) {
			c.begin(now, soliciting)
		}
	case bound:
		c.extend(now)
	case renewing:
		if c.x.exhausted(now) {
			c.begin(now, rebinding)
		}
	case releasing:
		if c.x.exhausted(now) {
			c.forget()
		}
	case informed:
		if lifetime.Over(now, c.refresh) {
			c.begin(now, informing)
		}
	}
}

func (c *Client) extend(now time.Time) {
	switch {
	case lifetime.Over(now, c.t2()):
		c.begin(now, rebinding)
	case lifetime.Over(now, c.t1()):
		c.begin(now, renewing)
	}
}

// expire drops what has ended. Without anything left, we ask from the beginning.
func (c *Client) expire(now time.Time) {
	had := c.held()
	c.address.expire(now)
	c.prefix.expire(now)
	if had && !c.held() && (c.state == bound || c.state == renewing || c.state == rebinding || c.state == requesting) {
		c.begin(now, soliciting)
	}
}

func (c *Client) held() bool { return c.address.held() || c.prefix.held() }

// forget ends a release.
func (c *Client) forget() {
	c.address, c.prefix, c.server = association{}, association{}, nil
	c.refusals = [refusalKinds]Refusal{}
	c.state, c.x = idle, exchange{}
}

// t1 is when to ask for more time; what is wished for and has never been given is asked
// for then too.
func (c *Client) t1() time.Time {
	return c.first(func(a *association) time.Time { return a.t1 })
}

func (c *Client) t2() time.Time {
	return c.first(func(a *association) time.Time { return a.t2 })
}

func (c *Client) first(of func(*association) time.Time) (t time.Time) {
	if c.wish.Address {
		t = of(&c.address)
	}
	if c.wish.Prefix {
		t = lifetime.Earliest(t, of(&c.prefix))
	}
	return t
}

// Next is when Advance has something to do; zero: not before a message comes.
func (c *Client) Next() time.Time {
	next := lifetime.Earliest(c.address.ends(), c.prefix.ends())
	switch c.state {
	case idle:
		return time.Time{}
	case bound:
		return lifetime.Earliest(next, c.t1(), c.t2())
	case informed:
		return c.refresh
	case releasing:
		return c.x.at
	}
	return lifetime.Earliest(next, c.x.at, c.x.end)
}

// Lease is what the client has now: nothing once it is being released.
func (c *Client) Lease() Lease {
	l := Lease{State: c.state.String(), Server: slices.Clone(c.server)}
	if c.state == releasing {
		return l
	}
	l.Addresses, l.Prefixes = slices.Clone(c.address.leases), slices.Clone(c.prefix.leases)
	l.Servers, l.Domains, l.Services = slices.Clone(c.servers), slices.Clone(c.domains), c.services.clone()
	return l
}

// message is what to send in the present state (RFC 8415 section 18.2).
func (c *Client) message(now time.Time) *dhcpv6.Message {
	m := &dhcpv6.Message{MessageType: c.x.kind, TransactionID: c.x.id}
	m.AddOption(raw(dhcpv6.OptionClientID, c.cfg.DUID))
	if c.state == requesting || c.state == renewing || c.state == releasing {
		m.AddOption(raw(dhcpv6.OptionServerID, c.server))
	}
	m.AddOption(dhcpv6.OptElapsedTime(c.x.elapsed(now)))
	if c.state == soliciting {
		m.AddOption(raw(dhcpv6.OptionRapidCommit, nil))
	}
	if c.state != releasing {
		m.AddOption(dhcpv6.OptRequestedOption(c.requested()...))
	}
	c.addAssociations(m)
	return m
}

func (c *Client) requested() []dhcpv6.OptionCode {
	list := append([]dhcpv6.OptionCode{dhcpv6.OptionDNSRecursiveNameServer, dhcpv6.OptionDomainSearchList}, c.cfg.Request.codes()...)
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
		address, prefix = c.best.address.hints(address), c.best.prefix.hints(prefix)
	}
	if c.state != releasing {
		address, prefix = c.hint(address, prefix)
	}
	if c.wish.Address && (c.state != releasing || len(address) > 0) {
		m.AddOption(addressOption(c.iaid, address))
	}
	if c.wish.Prefix && (c.state != releasing || len(prefix) > 0) {
		m.AddOption(prefixOption(c.iaid, prefix))
	}
}

// hint adds what we would like where there is nothing (RFC 8415 section 18.2.1).
func (c *Client) hint(address, prefix []Leased) (_, _ []Leased) {
	if a := c.cfg.AddressHint; len(address) == 0 && a.IsValid() {
		address = []Leased{{Prefix: netip.PrefixFrom(a, a.BitLen())}}
	}
	if p := c.cfg.PrefixHint; len(prefix) == 0 && p.IsValid() {
		prefix = []Leased{{Prefix: p}}
	}
	return address, prefix
}

// hints are the leases to ask for: what was offered, or else what we have.
func (o *offer) hints(have []Leased) (leases []Leased) {
	if o == nil {
		return have
	}
	for _, l := range o.leases {
		leases = append(leases, Leased{Prefix: l.prefix})
	}
	return leases
}
