package control

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"upppoe/internal/log/linequeue"
)

// TestDroppedLines: what a log has where lines were dropped.
func TestDroppedLines(t *testing.T) {
	if got := string(droppedLines(7).Text); got != "7 lines of the log were dropped here: they were not read in time\n" {
		t.Errorf("%q", got)
	}
}

func TestRingIsBounded(t *testing.T) {
	r := NewLogRing()
	line := []byte(strings.Repeat("x", 1<<10-1) + "\n")
	for i := range 2 * maxLog >> 10 {
		r.Write(line)
		if n := len(r.Tail(allLines)); n != min(maxLog, (i+1)<<10) {
			t.Fatalf("after %d lines of %d octets %d are kept", i+1, len(line), n)
		}
	}
	r.Write([]byte("1\n"))
	if n := len(r.Tail(allLines)); n != maxLog-1<<10+2 {
		t.Errorf("%d octets are kept, want the first line gone for the last", n)
	}
	r.Write([]byte(strings.Repeat("x", maxLog) + "\n"))
	if n := len(r.Tail(allLines)); n != maxLog+1 {
		t.Errorf("%d octets are kept of a line that is longer than the ring", n)
	}
	for lines, want := range map[int]string{0: "", 1: "3\n", 2: "2\n3\n"} {
		r.Write([]byte("2\n"))
		r.Write([]byte("3\n"))
		if got := string(r.Tail(lines)); got != want {
			t.Errorf("the last %d are %q, want %q", lines, got, want)
		}
	}
}

// TestRingFlush: followers get everything before the program ends.
func TestRingFlush(t *testing.T) {
	r := NewLogRing()
	var got bytes.Buffer
	q := linequeue.New(func(l linequeue.Line) error { got.Write(l.Text); return nil }, droppedLines)
	r.Write([]byte("1\n"))
	r.Write([]byte("2\n"))
	unfollow := r.Follow(q, 1)
	r.Write([]byte("3\n"))
	r.Flush()
	if got.String() != "2\n3\n" {
		t.Errorf("the follower has %q", &got)
	}
	unfollow()
	r.Write([]byte("4\n"))
	q.Flush(time.Minute)
	if got.String() != "2\n3\n" {
		t.Errorf("after leaving, the follower has %q", &got)
	}
}
