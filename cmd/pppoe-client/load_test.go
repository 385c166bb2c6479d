package main

import (
	"strings"
	"testing"
	"time"

	"upppoe/internal/load"
)

// TestProgressLine: without a terminal there is a line every ten seconds and when a stage begins, on one
// there is a single line.
func TestProgressLine(t *testing.T) {
	var out strings.Builder
	progress := []load.Progress{
		{Elapsed: time.Second},
		{Elapsed: 10 * time.Second},
		{Elapsed: 11 * time.Second},
		{Elapsed: 12 * time.Second, Stage: load.Holding},
		{Elapsed: 13 * time.Second, Stage: load.Holding},
		{Elapsed: 20 * time.Second, Stage: load.Holding},
		{Elapsed: 20 * time.Second, Stage: load.Closing},
	}
	show := func(p *progressLine) string {
		out.Reset()
		for _, now := range progress {
			p.show(now)
		}
		p.end()
		return out.String()
	}
	want := ""
	for _, i := range []int{1, 3, 5, 6} {
		want += progress[i].String() + "\n"
	}
	if got := show(&progressLine{out: &out, next: progressPeriod}); got != want {
		t.Errorf("without a terminal:\n%swant:\n%s", got, want)
	}
	if got := show(&progressLine{out: &out, terminal: true}); strings.Contains(got, "\n") || strings.Count(got, "\r") != len(progress)+1 {
		t.Errorf("on a terminal: %q", got)
	}
}
