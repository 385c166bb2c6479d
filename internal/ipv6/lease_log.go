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
	maxLinesPerMinute = 20
	// maxUnanswered is how many messages go out before the log says that nobody answers.
	maxUnanswered = 4
)

// leaseLog writes to the log what becomes of leases: no more than so many lines a minute.
type leaseLog struct {
	device        string
	log           *slog.Logger
	rejections    map[string]string // what was said last, by what was refused
	silenceLogged bool              // it has been said that no server answers
	since         time.Time         // of the minute
	lines         int
	suppressed    int // lines left out
}

func newLeaseLog(device string, log *slog.Logger) *leaseLog {
	return &leaseLog{device: device, log: log, rejections: map[string]string{}}
}

func (t *leaseLog) logf(now time.Time, level slog.Level, format string, args ...any) {
	if now.Sub(t.since) >= time.Minute {
		if t.suppressed > 0 {
			t.log.Info(fmt.Sprintf("%s: %d more lines about DHCPv6 leases were left out", t.device, t.suppressed))
		}
		t.since, t.lines, t.suppressed = now, 0, 0
	}
	if t.lines == maxLinesPerMinute {
		t.suppressed++
		return
	}
	t.lines++
	t.log.Log(context.Background(), level, t.device+": "+fmt.Sprintf(format, args...))
}

// changed tells what has come and gone.
func (t *leaseLog) changed(now time.Time, before, is *State, serverSide dhcp6.DUID) {
	told := func(kind string, had, has []lease) {
		for _, l := range had {
			if !slices.ContainsFunc(has, func(o lease) bool { return o.prefix == l.prefix }) {
				t.logf(now, slog.LevelInfo, "DHCPv6 lease of %s %v has ended", kind, l.prefix)
			}
		}
		for _, l := range has {
			if !slices.ContainsFunc(had, func(o lease) bool { return o.prefix == l.prefix }) {
				t.logf(now, slog.LevelInfo, "DHCPv6 lease of %s %v, preferred for %s, valid for %s, from server %v",
					kind, l.prefix, remaining(now, l.Preferred), remaining(now, l.Valid), serverSide)
			}
		}
	}
	told("address", before.dhcpAddresses(), is.dhcpAddresses())
	told("prefix", before.delegatedPrefixes(), is.delegatedPrefixes())
}

// lease is an address or a prefix of DHCPv6.
type lease struct {
	prefix netip.Prefix
	lifetime.Lifetime
}

func (s *State) dhcpAddresses() (list []lease) {
	for _, a := range s.Addresses {
		if a.Origin == DHCPv6 {
			list = append(list, lease{a.Prefix, a.Lifetime})
		}
	}
	return list
}

func (s *State) delegatedPrefixes() (list []lease) {
	for _, p := range s.Delegated {
		list = append(list, lease{p.Prefix, p.Lifetime})
	}
	return list
}

// remaining is how long it is until a deadline, for people.
func remaining(now, deadline time.Time) string {
	if deadline.IsZero() {
		return "ever"
	}
	return lifetime.Remaining(now, deadline).Round(time.Second).String()
}

// rejected tells why a server does not give what was asked for, once until that changes.
func (t *leaseLog) rejected(now time.Time, list []dhcp6.Rejection) {
	said := map[string]string{}
	for _, r := range list {
		text := r.Reason
		if r.StatusMessage != "" {
			text += fmt.Sprintf(" %+q", r.StatusMessage)
		}
		said[r.Resource] = text
		if t.rejections[r.Resource] != text {
			t.logf(now, slog.LevelWarn, "DHCPv6 server %v gives no %s: %s; asking again", r.Server, r.Resource, text)
		}
	}
	t.rejections = said
}

// unanswered tells, once, that no server answers.
func (t *leaseLog) unanswered(now time.Time, times int) {
	if times == 0 {
		t.silenceLogged = false
	}
	if times >= maxUnanswered && !t.silenceLogged {
		t.silenceLogged = true
		t.logf(now, slog.LevelWarn, "no DHCPv6 server has answered %d messages; asking on", times)
	}
}
