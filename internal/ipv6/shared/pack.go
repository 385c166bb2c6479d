package shared

import (
	"net/netip"
	"time"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/radv"
	"upppoe/ppp/ipv6cp"
)

// instant is a time in nanoseconds since an origin; 0: the zero time.
type instant time.Duration

// origin is the time from which instants count. It is before all of them.
type origin struct{ time.Time }

func (o origin) pack(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	return instant(t.Sub(o.Time))
}

func (o origin) unpack(i instant) time.Time {
	if i == 0 {
		return time.Time{}
	}
	return o.Add(time.Duration(i))
}

// link returns what the router knows of a session.
func (s *session[K]) link(o origin, addresses bool) radv.Link {
	l := radv.Link{Prefix: s.prefixes().Network, MTU: int(s.mtu), Managed: addresses || s.fixed().Address.IsValid()}
	l.Next, l.LastSent, l.Sent, l.ReplyAt = o.unpack(s.next), o.unpack(s.lastSent), int(s.sent), o.unpack(s.replyAt)
	if s.replyAt != 0 {
		l.ReplyTo = s.replyTo.LinkLocal()
	}
	if s.extra != nil {
		l.Stale = s.extra.stale
	}
	return l
}

// Timers that are longWait away or more fire together, once a tick.
const (
	longWait = 10 * time.Second
	tick     = 100 * time.Millisecond
)

// setSchedule records when to advertise. A distant time becomes up to a tick earlier, as the interval
// is random.
func (s *session[K]) setSchedule(o origin, now time.Time, to radv.Schedule) {
	s.next, s.lastSent, s.sent, s.replyAt = o.pack(to.Next), o.pack(to.LastSent), uint8(to.Sent), o.pack(to.ReplyAt)
	if to.Next.Sub(now) >= longWait {
		s.next -= s.next % instant(tick)
	}
	if to.ReplyTo.Is6() {
		id := to.ReplyTo.As16()
		s.replyTo = ipv6cp.ID(id[8:])
	}
}

// leases returns what the DHCPv6 server knows of a session.
func (s *session[K]) leases(o origin) dhcp6.ServerState {
	p := s.prefixes()
	state := dhcp6.ServerState{
		Prefix: s.delegated.unpack(o, p.Delegated), Tokens: int(s.tokens), Refilled: o.unpack(s.refilled),
	}
	if s.address != nil {
		state.Address = s.address.unpack(o, p.Address)
	}
	return state
}

// setLeases records what the DHCPv6 server has changed.
func (s *session[K]) setLeases(o origin, to dhcp6.ServerState) {
	s.tokens, s.refilled = uint8(to.Tokens), o.pack(to.Refilled)
	if p := to.Prefix.Resource; p.IsValid() {
		s.delegation, s.delegationBits = subnetOf(p), uint8(p.Bits())
	}
	s.delegated.pack(o, to.Prefix)
	if p := to.Address.Resource; p.IsValid() && s.address == nil {
		s.address = &addressBinding{address: p.Addr()}
	}
	if s.address != nil {
		s.address.pack(o, to.Address)
	}
}

// bindings returns those of the session's address and prefix.
func (s *session[K]) bindings() (b [2]binding) {
	if s.address != nil {
		b[0] = s.address.binding
	}
	b[1] = s.delegated
	return b
}

func (b *binding) unpack(o origin, resource netip.Prefix) dhcp6.Binding {
	return dhcp6.Binding{
		Resource: resource, Client: dhcp6.DUID(b.client), IAID: b.iaid, Bound: b.client != "",
		Lifetime: lifetime.Lifetime{Valid: o.unpack(b.valid)},
	}
}

// pack keeps the memory of a client that is the same.
func (b *binding) pack(o origin, from dhcp6.Binding) {
	if !from.Bound {
		*b = binding{}
		return
	}
	if string(from.Client) != b.client {
		b.client = string(from.Client)
	}
	b.iaid, b.valid = from.IAID, o.pack(from.Valid)
}
