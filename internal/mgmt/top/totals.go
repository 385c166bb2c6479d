package top

import (
	"fmt"
	"strings"
	"time"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/units"
)

// totals are the numbers of a server above its sessions.
type totals struct {
	status   servercontrol.Status
	setUps   string // a second; empty: not measured
	failures string
	drops    string
	up, down *uint64 // bit/s of all sessions; nil: not measured
}

// newTotals compares a sample with an earlier one; nil: there is none.
func newTotals(s, before *serverSample) totals {
	t := totals{status: s.Status}
	if before == nil || !before.Status.Since.Equal(s.Status.Since) || !s.At.After(before.At) {
		return t
	}
	elapsed := s.At.Sub(before.At)
	t.setUps = perSecond(before.Stats.Established, s.Stats.Established, elapsed)
	t.failures = perSecond(before.Stats.Rejected, s.Stats.Rejected, elapsed)
	t.drops = perSecond(dropped(&before.Stats), dropped(&s.Stats), elapsed)
	return t
}

// addRates adds the rates of a session.
func (t *totals) addRates(s *servercontrol.Session) {
	for _, r := range []struct {
		total **uint64
		rate  *uint64
	}{{&t.up, s.BitsUp}, {&t.down, s.BitsDown}} {
		if r.rate == nil {
			continue
		}
		if *r.total == nil {
			*r.total = new(uint64)
		}
		**r.total += *r.rate
	}
}

func dropped(s *servercontrol.Stats) (n uint64) {
	for _, of := range s.Drops {
		n += of
	}
	return n
}

func perSecond(before, after uint64, elapsed time.Duration) string {
	rate := float64(after-min(before, after)) / elapsed.Seconds()
	if rate > 0 && rate < 9.95 {
		return fmt.Sprintf("%.1f/s", rate)
	}
	return units.Scaled(rate) + "/s"
}

// lines returns the totals as two lines.
func (t *totals) lines() []Line {
	s := &t.status
	first := Line{fmt.Sprintf("%s: %d online, %d half-open, %d sessions of %d", s.ACName, s.Online, s.HalfOpen, s.Sessions, s.MaxSessions), Bold}
	if s.State == servercontrol.Draining {
		first.Text += ", draining"
	}
	return []Line{first, {Text: strings.Join([]string{
		"up " + known(units.BitRate(t.up)), "down " + known(units.BitRate(t.down)),
		"set-ups " + known(t.setUps), "failed logins " + known(t.failures), "drops " + known(t.drops),
	}, ", ")}}
}

// known stands for what is not measured yet.
func known(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
