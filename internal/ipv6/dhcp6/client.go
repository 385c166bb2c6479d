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

// ClientConfig configures a Client. DUID and Rand must be set.
type ClientConfig struct {
	DUID DUID
	// IAID identifies the identity associations among all of this DUID, permanently (RFC 8415
	// section 12).
	IAID uint32
	// AddressHint is the address to request; invalid: any. PrefixHint is the delegated prefix to
	// request or, like ::/56, its length; invalid: any.
	AddressHint netip.Addr
	PrefixHint  netip.Prefix
	// OptionRequest selects further options to request.
	OptionRequest OptionRequest
	// Rand provides jitter and transaction IDs.
	Rand *rand.Rand
}

// IARequest selects the identity associations to request. With neither, only other configuration is
// requested, such as name servers.
type IARequest struct{ Address, Prefix bool }

// Client is a DHCPv6 client on one link. NewClient makes it.
type Client struct {
	cfg           ClientConfig
	iaid          [4]byte
	state         state
	want          IARequest
	exchange      exchange
	address       association
	prefix        association
	server        DUID // of the leases
	best          *advertised
	rejected      int // consecutive requests without lease
	solMaxRT      time.Duration
	infMaxRT      time.Duration
	refreshAt     time.Time // of other configuration; zero: never
	nameServers   []netip.Addr
	searchDomains []string
	// services are the requested options that a server has sent.
	services     Services
	rejections   [rejectionKinds]Rejection
	sendFailures int  // consecutive
	answered     bool // a server has answered the present exchange
}

// state is the state of a client.
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

// Configuration is what a Client has received. The receiver owns it.
type Configuration struct {
	Addresses     []Lease
	Prefixes      []Lease
	NameServers   []netip.Addr
	SearchDomains []string // DNS search domains
	Services      Services
	// Server is the server of the leases; empty: none.
	Server DUID
	// State is the client's state, in a word.
	State string
}

// NewClient makes a client, which is idle until Request is called.
func NewClient(cfg *ClientConfig) *Client {
	c := &Client{cfg: *cfg}
	binary.BigEndian.PutUint32(c.iaid[:], cfg.IAID)
	return c
}

// Request starts the client, or adds to what it requests. What was requested before remains.
func (c *Client) Request(now time.Time, w IARequest) {
	w = IARequest{c.want.Address || w.Address, c.want.Prefix || w.Prefix}
	more := w != c.want
	c.want = w
	switch {
	case c.state == idle && w == IARequest{}:
		c.enter(now, informing)
	case c.state == idle, (c.state == informing || c.state == informed) && more:
		c.enter(now, soliciting)
	case c.state == bound && more:
		c.enter(now, renewing) // RFC 8415 section 18.2.4: a Renew may request more
	}
}

// Release releases all leases, which must not be used any more. Done reports when that has
// completed.
func (c *Client) Release(now time.Time) {
	if !c.address.hasLease() && !c.prefix.hasLease() {
		c.state, c.exchange = idle, exchange{}
		return
	}
	c.enter(now, releasing)
}

// Done reports whether the client is idle and has no lease.
func (c *Client) Done() bool { return c.state == idle }

// enter changes the state and starts its exchange. Advance returns the message.
func (c *Client) enter(now time.Time, s state) {
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

// backoff delays the next Solicit if a server advertises leases that it does not assign.
func (c *Client) backoff() time.Duration {
	if c.rejected == 0 {
		return 0
	}
	d := time.Second << min(c.rejected-1, 12)
	return min(d, or(c.solMaxRT, defaultSolMaxRT))
}

// Advance processes timers. It returns a message for AllRelayAgentsAndServers; nil: none. Call it
// until it returns nil.
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

// Retries of failed sends: the device has just come up, or its address is not usable yet.
const (
	sendRetryInterval = 100 * time.Millisecond
	maxSendRetries    = 30
)

// SendFailed reports that the message of the last Advance could not be sent. The first message of
// an exchange is then tried again soon, for three seconds, without counting as a transmission.
func (c *Client) SendFailed(now time.Time) {
	if c.exchange.sent != 1 || c.sendFailures >= maxSendRetries {
		return
	}
	c.sendFailures++
	c.exchange.sent, c.exchange.next = 0, now.Add(sendRetryInterval)
}

// advanceState handles what has timed out.
func (c *Client) advanceState(now time.Time) {
	switch c.state {
	case soliciting:
		if c.best != nil && c.exchange.sent > 0 && !now.Before(c.exchange.next) {
			c.startRequest(now)
		}
	case requesting:
		if c.exchange.exhausted(now) {
			c.enter(now, soliciting)
		}
	case bound:
		c.extend(now)
	case renewing:
		if c.exchange.exhausted(now) {
			c.enter(now, rebinding)
		}
	case releasing:
		if c.exchange.exhausted(now) {
			c.reset()
		}
	case informed:
		if lifetime.Reached(now, c.refreshAt) {
			c.enter(now, informing)
		}
	}
}

func (c *Client) extend(now time.Time) {
	switch {
	case lifetime.Reached(now, c.t2()):
		c.enter(now, rebinding)
	case lifetime.Reached(now, c.t1()):
		c.enter(now, renewing)
	}
}

// expire removes expired leases. Without any lease left, the client solicits again.
func (c *Client) expire(now time.Time) {
	had := c.hasLease()
	c.address.expire(now)
	c.prefix.expire(now)
	if had && !c.hasLease() && (c.state == bound || c.state == renewing || c.state == rebinding || c.state == requesting) {
		c.enter(now, soliciting)
	}
}

func (c *Client) hasLease() bool { return c.address.hasLease() || c.prefix.hasLease() }

// reset ends a release.
func (c *Client) reset() {
	c.address, c.prefix, c.server = association{}, association{}, nil
	c.rejections = [rejectionKinds]Rejection{}
	c.state, c.exchange = idle, exchange{}
}

// t1 returns the earliest T1, which also covers associations that were requested and not assigned.
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

// Next returns when Advance has something to do; zero: after the next message.
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

// Configuration returns the present configuration, which is empty during a release.
func (c *Client) Configuration() Configuration {
	l := Configuration{State: c.state.String(), Server: slices.Clone(c.server)}
	if c.state == releasing {
		return l
	}
	l.Addresses, l.Prefixes = slices.Clone(c.address.leases), slices.Clone(c.prefix.leases)
	l.NameServers, l.SearchDomains, l.Services = slices.Clone(c.nameServers), slices.Clone(c.searchDomains), c.services.clone()
	return l
}

// message makes the message of the present state (RFC 8415 section 18.2).
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

// addHints adds the configured hints where there is no lease (RFC 8415 section 18.2.1).
func (c *Client) addHints(address, prefix []Lease) (_, _ []Lease) {
	if a := c.cfg.AddressHint; len(address) == 0 && a.IsValid() {
		address = []Lease{{Prefix: netip.PrefixFrom(a, a.BitLen())}}
	}
	if p := c.cfg.PrefixHint; len(prefix) == 0 && p.IsValid() {
		prefix = []Lease{{Prefix: p}}
	}
	return address, prefix
}

// requested returns the leases to request: those offered, or else those we have.
func (o *receivedIA) requested(have []Lease) (leases []Lease) {
	if o == nil {
		return have
	}
	for _, l := range o.leases {
		leases = append(leases, Lease{Prefix: l.prefix})
	}
	return leases
}
