package dhcp6

import (
	"bytes"
	"fmt"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"upppoe/internal/ipv6/lifetime"
)

// advertised is the content of an Advertise.
type advertised struct {
	server          DUID
	preference      byte
	address, prefix *receivedIA
	granted         int // number of associations with a usable lease
}

// maxPreference is the preference of a server that is used without waiting for others (RFC 8415
// section 18.2.1).
const maxPreference = 255

// RFC 8415 section 21.23.
const (
	defaultRefresh = 24 * time.Hour
	minRefresh     = 10 * time.Minute
)

// Receive handles a message that was sent to the client's port. The error says why it was dropped,
// or what the server rejects: it is one of this package's (wrapped).
func (c *Client) Receive(now time.Time, b []byte) error {
	m, err := parse(b)
	if err != nil {
		return err
	}
	server, err := c.check(m)
	if err != nil {
		return err
	}
	c.answered = true
	// Used even if the rest of the message is not (RFC 8415 sections 18.2.9 and 18.2.10).
	c.solMaxRT = or(optionSeconds(m, dhcpv6.OptionSolMaxRT, minMaxRT, maxMaxRT), c.solMaxRT)
	c.infMaxRT = or(optionSeconds(m, optionInfMaxRT, minMaxRT, maxMaxRT), c.infMaxRT)
	if c.state == soliciting {
		c.exchange.mrt = or(c.solMaxRT, c.exchange.mrt)
	}
	if m.MessageType == dhcpv6.MessageTypeAdvertise {
		return c.handleAdvertise(now, m, server)
	}
	return c.handleReply(now, m, server)
}

// check applies RFC 8415 sections 16.3 and 16.10, and returns the server.
func (c *Client) check(m *dhcpv6.Message) (server DUID, err error) {
	switch m.MessageType {
	case dhcpv6.MessageTypeAdvertise:
		if c.state != soliciting {
			return nil, fmt.Errorf("%w: Advertise while %v", ErrUnexpected, c.state)
		}
	case dhcpv6.MessageTypeReply:
		if c.state == soliciting && !hasOption(m, dhcpv6.OptionRapidCommit) {
			return nil, fmt.Errorf("%w: Reply without Rapid Commit", ErrUnexpected)
		}
	default:
		return nil, fmt.Errorf("%w: %v", ErrUnexpected, m.MessageType)
	}
	if c.exchange.kind == dhcpv6.MessageTypeNone || c.exchange.sent == 0 || m.TransactionID != c.exchange.id {
		return nil, fmt.Errorf("%w: transaction %v", ErrUnexpected, m.TransactionID)
	}
	if !bytes.Equal(optionData(m, dhcpv6.OptionClientID), c.cfg.DUID) {
		return nil, ErrClient
	}
	server = optionData(m, dhcpv6.OptionServerID)
	if len(server) < minDUID || len(server) > maxDUID {
		return nil, ErrServer
	}
	return server, nil
}

// handleAdvertise keeps the best Advertise (RFC 8415 section 18.2.9).
func (c *Client) handleAdvertise(now time.Time, m *dhcpv6.Message, server DUID) error {
	s := statusCode(m.Options)
	if !concernsLeases(s) {
		c.recordRejections(m, server, nil, nil)
		return fmt.Errorf("%w: %v", ErrStatus, statusName(s))
	}
	a := &advertised{server: server}
	if p := optionData(m, dhcpv6.OptionPreference); len(p) == 1 {
		a.preference = p[0]
	}
	a.address, a.prefix, a.granted = c.receivedIAs(m)
	c.recordRejections(m, server, a.address, a.prefix)
	if a.granted == 0 && s != iana.StatusSuccess {
		return fmt.Errorf("%w: %v", ErrStatus, statusName(s))
	}
	if a.granted == 0 {
		return ErrEmpty
	}
	if a.better(c.best) {
		c.best = a
	}
	if a.preference == maxPreference || c.exchange.sent > 1 {
		c.startRequest(now)
	}
	return nil
}

func (a *advertised) better(than *advertised) bool {
	return than == nil || a.preference > than.preference ||
		a.preference == than.preference && a.granted > than.granted
}

// receivedIAs returns the requested associations of a message; nil: it has none.
func (c *Client) receivedIAs(m *dhcpv6.Message) (address, prefix *receivedIA, wishes int) {
	if c.want.Address {
		address = parseIANA(m, c.iaid)
	}
	if c.want.Prefix {
		prefix = parseIAPD(m, c.iaid)
	}
	for _, o := range []*receivedIA{address, prefix} {
		if o.usable() {
			wishes++
		}
	}
	return address, prefix, wishes
}

func (c *Client) startRequest(now time.Time) {
	best := c.best
	c.enter(now, requesting)
	c.best, c.server = best, best.server
}

// handleReply applies RFC 8415 section 18.2.10.
func (c *Client) handleReply(now time.Time, m *dhcpv6.Message, server DUID) error {
	s := statusCode(m.Options)
	switch {
	case c.state == releasing:
		c.reset()
		return nil
	case s == iana.StatusNotOnLink && c.state == requesting:
		c.recordRejections(m, server, nil, nil)
		c.restart(now)
		return fmt.Errorf("%w: %v", ErrStatus, statusName(s))
	case !concernsLeases(s):
		c.recordRejections(m, server, nil, nil)
		return fmt.Errorf("%w: %v", ErrStatus, statusName(s)) // the message is retransmitted
	}
	if c.state == informing {
		c.storeOptions(m)
		c.state, c.exchange = informed, exchange{}
		c.refreshAt = lifetime.Deadline(now, max(minRefresh, or(optionSeconds(m, dhcpv6.OptionInformationRefreshTime, 0, lifetime.Infinity), defaultRefresh)))
		return nil
	}
	return c.applyReply(now, m, server)
}

// applyReply applies the associations of a Reply (RFC 8415 section 18.2.10.1).
func (c *Client) applyReply(now time.Time, m *dhcpv6.Message, server DUID) error {
	address, prefix, wishes := c.receivedIAs(m)
	c.recordRejections(m, server, address, prefix)
	unbound := c.address.noBinding(address) || c.prefix.noBinding(prefix)
	switch {
	case unbound && (c.state == renewing || c.state == rebinding):
		c.apply(now, address, prefix)
		c.server = server
		c.enter(now, requesting)
		return fmt.Errorf("%w: %v", ErrStatus, statusName(iana.StatusNoBinding))
	case wishes == 0 && (c.state == renewing || c.state == rebinding):
		c.apply(now, address, prefix) // it may have ended a lease
		if c.hasLease() {
			return ErrEmpty // continue until T2 or until the lease expires
		}
		c.restart(now)
		return ErrEmpty
	case wishes == 0:
		c.restart(now)
		return ErrEmpty
	}
	c.apply(now, address, prefix)
	c.storeOptions(m)
	c.server, c.rejected = server, 0
	c.state, c.exchange, c.best = bound, exchange{}, nil
	c.scheduleMissing(now)
	return nil
}

// noBinding reports whether the server has no binding for our leases. They are then requested anew.
func (a *association) noBinding(o *receivedIA) bool {
	return a.hasLease() && o != nil && o.status == iana.StatusNoBinding
}

func (c *Client) apply(now time.Time, address, prefix *receivedIA) {
	for _, p := range []struct {
		have *association
		got  *receivedIA
	}{{&c.address, address}, {&c.prefix, prefix}} {
		if p.got != nil && p.got.status == iana.StatusSuccess {
			p.have.update(now, p.got)
		} else {
			p.have.reschedule(now)
		}
	}
}

// scheduleMissing schedules a Renew that requests the associations that were not assigned.
func (c *Client) scheduleMissing(now time.Time) {
	for _, a := range []*association{&c.address, &c.prefix} {
		if !a.hasLease() {
			a.t1, a.t2 = now.Add(or(c.solMaxRT, defaultSolMaxRT)), time.Time{}
		}
	}
}

// restart solicits again after a backoff.
func (c *Client) restart(now time.Time) {
	c.rejected++
	c.enter(now, soliciting)
}

func (c *Client) storeOptions(m *dhcpv6.Message) {
	c.nameServers, c.searchDomains, c.services = nameServers(m), searchDomains(m), c.cfg.OptionRequest.services(m)
}
