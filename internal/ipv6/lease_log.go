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

// Rate limits of the log: a server could cause lines again and again.
const (
	maxLinesPerMinute = 20
	// maxUnanswered is the number of messages without answer after which that is logged.
	maxUnanswered = 4
)

// leaseLog logs the changes of leases, rate-limited.
type leaseLog struct {
	device        string
	log           *slog.Logger
	rejections    map[string]string // by resource: what was logged last
	silenceLogged bool              // no answer has been logged
	since         time.Time         // start of the present minute
	lines         int
	suppressed    int // lines not logged in this minute
}

func newLeaseLog(device string, log *slog.Logger) *leaseLog {
	return &leaseLog{device: device, log: log, rejections: map[string]string{}}
}

func (t *leaseLog) logf(now time.Time, level slog.Level, format string, args ...any) {
	if now.Sub(t.since) >= time.Minute {
		if t.suppressed > 0 {
			t.log.Info(fmt.Sprintf("%s: %d more lines about DHCPv6 leases were not logged", t.device, t.suppressed))
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

// changed logs leases that are new or have ended.
func (t *leaseLog) changed(now time.Time, before, is *State, serverSide dhcp6.DUID) {
	report := func(kind string, had, has []lease) {
		for _, l := range had {
			if !slices.ContainsFunc(has, func(o lease) bool { return o.prefix == l.prefix }) {
				t.logf(now, slog.LevelInfo, "DHCPv6 lease of %s %v has ended", kind, l.prefix)
			}
		}
		for _, l := range has {
			if !slices.ContainsFunc(had, func(o lease) bool { return o.prefix == l.prefix }) {
				t.logf(now, slog.LevelInfo, "DHCPv6 lease of %s %v, preferred lifetime %s, valid lifetime %s, from server %v",
					kind, l.prefix, remaining(now, l.Preferred), remaining(now, l.Valid), serverSide)
			}
		}
	}
	report("address", before.dhcpAddresses(), is.dhcpAddresses())
	report("prefix", before.delegatedPrefixes(), is.delegatedPrefixes())
}

// lease is an address or a prefix that was assigned by DHCPv6.
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

// remaining formats the time until a deadline.
func remaining(now, deadline time.Time) string {
	if deadline.IsZero() {
		return "infinite"
	}
	return lifetime.Remaining(now, deadline).Round(time.Second).String()
}

// rejected logs why a server assigns no lease, once until the reason changes.
func (t *leaseLog) rejected(now time.Time, list []dhcp6.Rejection) {
	said := map[string]string{}
	for _, r := range list {
		text := r.Reason
		if r.StatusMessage != "" {
			text += fmt.Sprintf(" %+q", r.StatusMessage)
		}
		said[r.Resource] = text
		if t.rejections[r.Resource] != text {
			t.logf(now, slog.LevelWarn, "DHCPv6 server %v assigned no %s: %s; retrying", r.Server, r.Resource, text)
		}
	}
	t.rejections = said
}

// unanswered logs once that no server answers.
func (t *leaseLog) unanswered(now time.Time, times int) {
	if times == 0 {
		t.silenceLogged = false
	}
	if times >= maxUnanswered && !t.silenceLogged {
		t.silenceLogged = true
		t.logf(now, slog.LevelWarn, "no DHCPv6 server answered %d messages; retrying", times)
	}
}
