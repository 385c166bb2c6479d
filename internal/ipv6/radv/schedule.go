package radv

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"upppoe/internal/ipv6/lifetime"
)

// Schedule is when a router advertises on one link (RFC 4861 sections 6.2.4 and 6.2.6). All an
// Advertiser remembers of a link that has no Parameters is its Schedule: see
// Advertiser.SwitchLink.
type Schedule struct {
	Next     time.Time  // of the next advertisement to all nodes
	LastSent time.Time  // of the last one; zero: none
	Sent     int        // number of them, up to the end of the initial ones
	ReplyAt  time.Time  // of an advertisement to one host; zero: none is solicited
	ReplyTo  netip.Addr // the host's link-local address
}

// Restart begins as on a link that has just come up.
func (s *Schedule) Restart(now time.Time) { *s = Schedule{Next: now} }

// Earliest returns when the next advertisement is due.
func (s *Schedule) Earliest() time.Time { return lifetime.Earliest(s.Next, s.ReplyAt) }

// solicited schedules the answer to a solicitation: one within half a second, however many there
// are. It is sent to the host, so that MIN_DELAY_BETWEEN_RAS does not apply; or to all nodes if the
// host has no address yet, as if unsolicited (RFC 4861 section 6.2.6).
func (s *Schedule) solicited(now time.Time, from netip.Addr, r *rand.Rand) {
	if from.IsLinkLocalUnicast() {
		if s.ReplyAt.IsZero() {
			s.ReplyAt, s.ReplyTo = now.Add(replyDelay(r)), from
		}
		return
	}
	s.Next = lifetime.Earliest(s.Next, s.soonest(now).Add(replyDelay(r)))
}

func replyDelay(r *rand.Rand) time.Duration { return time.Duration(r.Int64N(int64(maxReplyDelay))) }

// due returns the destination of an advertisement to send now, and schedules the next one; invalid:
// none is due.
func (s *Schedule) due(now time.Time, longest time.Duration, r *rand.Rand) netip.Addr {
	switch {
	case lifetime.Reached(now, s.Next):
		s.Sent = min(s.Sent+1, maxInitialAdvertisements)
		s.Next, s.LastSent = now.Add(s.interval(longest, r)), now
		return allNodes
	case lifetime.Reached(now, s.ReplyAt):
		s.ReplyAt = time.Time{}
		return s.ReplyTo
	}
	return netip.Addr{}
}

// interval returns a random time until the next advertisement, between a third of the longest and
// all of it, at least MIN_DELAY_BETWEEN_RAS, and at first a short one (RFC 4861 sections 6.2.1 and
// 6.2.4).
func (s *Schedule) interval(longest time.Duration, r *rand.Rand) time.Duration {
	least := max(longest/3, minDelayBetweenRAs)
	gap := least + time.Duration(r.Int64N(int64(longest-least)))
	if s.Sent < maxInitialAdvertisements {
		gap = min(gap, maxInitialInterval)
	}
	return gap
}

// soonest returns when all nodes may be sent the next advertisement: MIN_DELAY_BETWEEN_RAS after
// the last (RFC 4861 section 6.2.4).
func (s *Schedule) soonest(now time.Time) time.Time {
	if least := s.LastSent.Add(minDelayBetweenRAs); !s.LastSent.IsZero() && least.After(now) {
		return least
	}
	return now
}

// advance advances the next advertisement, which has news.
func (s *Schedule) advance(now time.Time) { s.Next = lifetime.Earliest(s.Next, s.soonest(now)) }

// sendFailed schedules an advertisement that could not be sent: soon if it is an early one, else
// after MIN_DELAY_BETWEEN_RAS.
func (s *Schedule) sendFailed(now time.Time, early bool) {
	gap := minDelayBetweenRAs
	if early {
		s.Sent, s.LastSent, gap = 0, time.Time{}, sendRetryInterval
	}
	s.Next = lifetime.Earliest(s.Next, now.Add(gap))
}

// Link is what differs between links with the same AdvertiserConfig.
type Link struct {
	// Prefix is the one for SLAAC, of 64 bits; invalid: none.
	Prefix netip.Prefix
	// MTU is as in AdvertiserConfig.
	MTU int
	// Managed is as in AdvertiserConfig.
	Managed bool
	// Stale is a prefix that the link had before, which is advertised with lifetimes of 0 while
	// hosts can still use it (RFC 9096 section 3.5); the zero value: none.
	Stale AdvertisedPrefix
	Schedule
}

// SwitchLink makes the Advertiser that of another link, which has no Parameters. It does not
// validate the link. One Advertiser can serve many links in turn.
func (a *Advertiser) SwitchLink(l Link) {
	a.cfg.Prefixes = a.cfg.Prefixes[:0:0]
	if l.Prefix.IsValid() {
		a.cfg.Prefixes = []netip.Prefix{l.Prefix}
	}
	a.cfg.MTU, a.cfg.Managed, a.schedule = l.MTU, l.Managed, l.Schedule
	a.params, a.stale, a.sendFailures = Parameters{}, nil, 0
	if l.Stale.Prefix.IsValid() {
		a.stale = []AdvertisedPrefix{l.Stale}
	}
}

// Schedule returns that of the present link.
func (a *Advertiser) Schedule() Schedule { return a.schedule }
