package main

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"upppoe/internal/mgmt/status"
)

// TestFollowAll: several clients are followed at once, and each line names its client; a single client's
// lines are unchanged. Errors name the process.
func TestFollowAll(t *testing.T) {
	isp, other := status.Status{PID: 1, Call: "isp"}, status.Status{PID: 2, Device: "ppp1"}
	for _, c := range []struct {
		found []status.Status
		mark  func(string, []byte) []byte
		line  string
		want  []string
	}{
		{[]status.Status{isp}, markLog, "up", []string{"up"}},
		{[]status.Status{isp, other}, markLog, "up", []string{"isp: up", "ppp1: up"}},
		{[]status.Status{isp, other}, markEvent, `{"event":"x"}`, []string{`{"client":"isp","event":"x"}`, `{"client":"ppp1","event":"x"}`}},
	} {
		var out bytes.Buffer
		var begun sync.WaitGroup
		begun.Add(len(c.found))
		err := followAll(c.found, &out, c.mark, func(pid int, to io.Writer) error {
			begun.Done()
			begun.Wait() // for all others
			for _, part := range []string{c.line[:1], c.line[1:] + "\n"} {
				if n, err := io.WriteString(to, part); n != len(part) || err != nil {
					t.Errorf("%d of %d octets, %v", n, len(part), err)
				}
			}
			return errors.New("lost")
		})
		lines := strings.Fields(strings.ReplaceAll(out.String(), ": ", ":"))
		slices.Sort(lines)
		var want []string
		for _, w := range c.want {
			want = append(want, strings.ReplaceAll(w, ": ", ":"))
		}
		if !slices.Equal(lines, want) || err == nil || !strings.Contains(err.Error(), "process 1: lost") {
			t.Errorf("%q and %v, want %q", lines, err, want)
		}
	}
}
