package dhcp6

import (
	"bytes"
	"fmt"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"upppoe/internal/ipv6/lifetime"
)

// advertised is what a server says that it would give.
type advertised struct {
	server          DUID
	preference      byte
	address, prefix *offer
	wishes          int // how many it grants
}

// atOnce is the preference of a server that is asked without waiting for others (RFC
// 8415 section 18.2.1).
const atOnce = 255

// RFC 8415 section 21.23.
const (
	defaultRefresh = 24 * time.Hour
	leastRefresh   = 10 * time.Minute
)

// Receive takes a message that was sent to the client's port. The error says why it was
// dropped, or what the server refuses: it is one of this package's (wrapped).
func (c *Client) Receive(now time.Time, b []byte) error {
	m, err := parse(b)
	if err != nil {
		return err
	}
	server, err := c.check(m)
	if err != nil {
		return err
	}
	c.heard = true
	// Whatever else it says (RFC 8415 sections 18.2.9 and 18.2.10).
	c.solMax = or(seconds(m, dhcpv6.OptionSolMaxRT, leastMaxRT, mostMaxRT), c.solMax)
	c.infMax = or(seconds(m, optionInfMaxRT, leastMaxRT, mostMaxRT), c.infMax)
	if c.state == soliciting {
		c.x.most = or(c.solMax, c.x.most)
	}
	if m.MessageType == dhcpv6.MessageTypeAdvertise {
		return c.consider(now, m, server)
	}
	return c.reply(now, m, server)
}

// check applies RFC 8415 sections 16.3 and 16.10, and says who answers.
func (c *Client) check(m *dhcpv6.Message) (server DUID, err error) {
	switch m.MessageType {
	case dhcpv6.MessageTypeAdvertise:
		if c.state != soliciting {
			return nil, fmt.Errorf("%w: an advertisement while %v", ErrUnexpected, c.state)
		}
	case dhcpv6.MessageTypeReply:
		if c.state == soliciting && !has(m, dhcpv6.OptionRapidCommit) {
			return nil, fmt.Errorf("%w: a reply without Rapid Commit", ErrUnexpected)
		}
	default:
		return nil, fmt.Errorf("%w: %v", ErrUnexpected, m.MessageType)
	}
	if c.x.kind == dhcpv6.MessageTypeNone || c.x.sent == 0 || m.TransactionID != c.x.id {
		return nil, fmt.Errorf("%w: transaction %v", ErrUnexpected, m.TransactionID)
	}
	if !bytes.Equal(data(m, dhcpv6.OptionClientID), c.cfg.DUID) {
		return nil, ErrClient
	}
	server = data(m, dhcpv6.OptionServerID)
	if len(server) < minDUID || len(server) > maxDUID {
		return nil, ErrServer
	}
	return server, nil
}

// consider takes the better one of what servers advertise (RFC 8415 section 18.2.9).
func (c *Client) consider(now time.Time, m *dhcpv6.Message, server DUID) error {
	s := code(m.Options)
	if !concernsLeases(s) {
		c.note(m, server, nil, nil)
		return fmt.Errorf("%w: %v", ErrStatus, statusName(s))
	}
	a := &advertised{server: server}
	if p := data(m, dhcpv6.OptionPreference); len(p) == 1 {
		a.preference = p[0]
	}
	a.address, a.prefix, a.wishes = c.offers(m)
	c.note(m, server, a.address, a.prefix)
	if a.wishes == 0 && s != iana.StatusSuccess {
		return fmt.Errorf("%w: %v", ErrStatus, statusName(s))
	}
	if a.wishes == 0 {
		return ErrEmpty
	}
	if a.better(c.best) {
		c.best = a
	}
	if a.preference == atOnce || c.x.sent > 1 {
		c.request(now)
	}
	return nil
}

func (a *advertised) better(than *advertised) bool {
	return than == nil || a.preference > than.preference ||
		a.preference == than.preference && a.wishes > than.wishes
}

// offers are what a message gives of what we wish; nil: nothing.
func (c *Client) offers(m *dhcpv6.Message) (address, prefix *offer, wishes int) {
	if c.wish.Address {
		address = addressOffer(m, c.iaid)
	}
	if c.wish.Prefix {
		prefix = prefixOffer(m, c.iaid)
	}
	for _, o := range []*offer{address, prefix} {
		if o.gives() {
			wishes++
		}
	}
	return address, prefix, wishes
}

func (c *Client) request(now time.Time) {
	best := c.best
	c.begin(now, requesting)
	c.best, c.server = best, best.server
}

// reply applies RFC 8415 section 18.2.10.
func (c *Client) reply(now time.Time, m *dhcpv6.Message, server DUID) error {
	s := code(m.Options)
	switch {
	case c.state == releasing:
		c.forget()
		return nil
	case s == iana.StatusNotOnLink && c.state == requesting:
		c.note(m, server, nil, nil)
		c.refuse(now)
		return fmt.Errorf("%w: %v", ErrStatus, statusName(s))
	case !concernsLeases(s):
		c.note(m, server, nil, nil)
		return fmt.Errorf("%w: %v", ErrStatus, statusName(s)) // the message is repeated
	}
	if c.state == informing {
		c.learn(m)
		c.state, c.x = informed, exchange{}
		c.refresh = lifetime.Deadline(now, max(leastRefresh, or(seconds(m, dhcpv6.OptionInformationRefreshTime, 0, lifetime.Infinity), defaultRefresh)))
		return nil
	}
	return c.take(now, m, server)
}

// take applies the associations of a reply (RFC 8415 section 18.2.10.1).
func (c *Client) take(now time.Time, m *dhcpv6.Message, server DUID) error {
	address, prefix, wishes := c.offers(m)
	c.note(m, server, address, prefix)
	unbound := c.address.unbound(address) || c.prefix.unbound(prefix)
	switch {
	case unbound && (c.state == renewing || c.state == rebinding):
		c.apply(now, address, prefix)
		c.server = server
		c.begin(now, requesting)
		return fmt.Errorf("%w: %v", ErrStatus, statusName(iana.StatusNoBinding))
	case wishes == 0 && (c.state == renewing || c.state == rebinding):
		c.apply(now, address, prefix) // it may have ended something
		if c.held() {
			return ErrEmpty // ask on, until T2 or the end
		}
		c.refuse(now)
		return ErrEmpty
	case wishes == 0:
		c.refuse(now)
		return ErrEmpty
	}
	c.apply(now, address, prefix)
	c.learn(m)
	c.server, c.refused = server, 0
	c.state, c.x, c.best = bound, exchange{}, nil
	c.askLater(now)
	return nil
}

// unbound reports whether the server does not know what we hold: it is asked for it anew.
func (a *association) unbound(o *offer) bool {
	return a.held() && o != nil && o.status == iana.StatusNoBinding
}

func (c *Client) apply(now time.Time, address, prefix *offer) {
	for _, p := range []struct {
		have *association
		got  *offer
	}{{&c.address, address}, {&c.prefix, prefix}} {
		if p.got != nil && p.got.status == iana.StatusSuccess {
			p.have.take(now, p.got)
		} else {
			p.have.keep(now)
		}
	}
}

// askLater has what was wished for and not given asked for again in a while: with
// everything else, by the next Renew.
func (c *Client) askLater(now time.Time) {
	for _, a := range []*association{&c.address, &c.prefix} {
		if !a.held() {
			a.t1, a.t2 = now.Add(or(c.solMax, defaultSolMaxRT)), time.Time{}
		}
	}
}

// refuse begins anew, after a while.
func (c *Client) refuse(now time.Time) {
	c.refused++
	c.begin(now, soliciting)
}

func (c *Client) learn(m *dhcpv6.Message) {
	c.servers, c.domains, c.services = servers(m), domains(m), c.cfg.Request.services(m)
}
