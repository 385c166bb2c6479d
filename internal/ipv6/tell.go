package ipv6

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/lifetime"
)

// Bounds of what the log is told of what a server does, which may do it again and again.
const (
	toldPerMinute = 20
	// unanswered is how many messages go out before the log says that nobody answers.
	unanswered = 4
)

// teller writes to the log what becomes of leases: no more than so many lines a minute.
type teller struct {
	device   string
	log      *slog.Logger
	refusals map[string]string // what was said last, by what was refused
	silent   bool              // it has been said that no server answers
	since    time.Time         // of the minute
	lines    int
	left     int // lines left out
}

func newTeller(device string, log *slog.Logger) *teller {
	return &teller{device: device, log: log, refusals: map[string]string{}}
}

func (t *teller) line(now time.Time, level slog.Level, format string, args ...any) {
	if now.Sub(t.since) >= time.Minute {
		if t.left > 0 {
			t.log.Info(fmt.Sprintf("%s: %d more lines about DHCPv6 leases were left out", t.device, t.left))
		}
		t.since, t.lines, t.left = now, 0, 0
	}
	if t.lines == toldPerMinute {
		t.left++
		return
	}
	t.lines++
	t.log.Log(context.Background(), level, t.device+": "+fmt.Sprintf(format, args...))
}

// leases tells what has come and gone.
func (t *teller) leases(now time.Time, before, is *State, serverSide dhcp6.DUID) {
	told := func(kind string, had, has []leased) {
		for _, l := range had {
			if !slices.ContainsFunc(has, func(o leased) bool { return o.prefix == l.prefix }) {
				t.line(now, slog.LevelInfo, "DHCPv6 lease of %s %v has ended", kind, l.prefix)
			}
		}
		for _, l := range has {
			if !slices.ContainsFunc(had, func(o leased) bool { return o.prefix == l.prefix }) {
				t.line(now, slog.LevelInfo, "DHCPv6 lease of %s %v, preferred for %s, valid for %s, from server %v",
					kind, l.prefix, span(now, l.Preferred), span(now, l.Valid), serverSide)
			}
		}
	}
	told("address", before.leasedAddresses(), is.leasedAddresses())
	told("prefix", before.leasedPrefixes(), is.leasedPrefixes())
}

// leased is an address or a prefix of DHCPv6.
type leased struct {
	prefix netip.Prefix
	lifetime.Lifetime
}

func (s *State) leasedAddresses() (list []leased) {
	for _, a := range s.Addresses {
		if a.Origin == DHCPv6 {
			list = append(list, leased{a.Prefix, a.Lifetime})
		}
	}
	return list
}

func (s *State) leasedPrefixes() (list []leased) {
	for _, p := range s.Delegated {
		list = append(list, leased{p.Prefix, p.Lifetime})
	}
	return list
}

// span is how long it is until a deadline, for people.
func span(now, deadline time.Time) string {
	if deadline.IsZero() {
		return "ever"
	}
	return lifetime.Left(now, deadline).Round(time.Second).String()
}

// refused tells why a server does not give what was asked for, once until that changes.
func (t *teller) refused(now time.Time, list []dhcp6.Refusal) {
	said := map[string]string{}
	for _, r := range list {
		text := r.Reason
		if r.Text != "" {
			text += fmt.Sprintf(" %+q", r.Text)
		}
		said[r.Of] = text
		if t.refusals[r.Of] != text {
			t.line(now, slog.LevelWarn, "DHCPv6 server %v gives no %s: %s; asking again", r.Server, r.Of, text)
		}
	}
	t.refusals = said
}

// asked tells, once, that no server answers.
func (t *teller) asked(now time.Time, times int) {
	if times == 0 {
		t.silent = false
	}
	if times >= unanswered && !t.silent {
		t.silent = true
		t.line(now, slog.LevelWarn, "no DHCPv6 server has answered %d messages; asking on", times)
	}
}
