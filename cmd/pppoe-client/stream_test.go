package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// held is a writer that does not return until it is let go.
type held struct {
	let  chan struct{}
	text bytes.Buffer
}

func (h *held) Write(b []byte) (int, error) {
	<-h.let
	return h.text.Write(b)
}

// TestStream: nobody waits for a slow reader, who gets what could wait.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &held{let: make(chan struct{})}
		s := newStream(to)
		s.write([]byte("1\n"))
		synctest.Wait()
		for range 3 * behind {
			s.write([]byte("2\n"))
		}
		time.AfterFunc(farewell/2, func() { close(to.let) })
		s.close()
		if got := to.text.String(); got != "1\n"+strings.Repeat("2\n", behind) {
			t.Errorf("%d octets came, want %d lines", len(got), behind+1)
		}
	})
}

// TestStreamUnread: the end is not held up by who does not read at all.
func TestStreamUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &held{let: make(chan struct{})}
		s := newStream(to)
		s.write([]byte("1\n"))
		began := time.Now()
		s.close()
		if took := time.Since(began); took != farewell {
			t.Errorf("the end took %v, want %v", took, farewell)
		}
		close(to.let)
	})
}

// TestStreamFlush: what was written before comes first, unless nobody reads.
func TestStreamFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &held{let: make(chan struct{})}
		s := newStream(to)
		s.write([]byte("1\n"))
		s.write([]byte("2\n"))
		time.AfterFunc(farewell/2, func() { close(to.let) })
		s.flush()
		if got := to.text.String(); got != "1\n2\n" {
			t.Errorf("%q was written before it went on", got)
		}
		s.write([]byte("3\n"))
		s.close()
		if got := to.text.String(); got != "1\n2\n3\n" {
			t.Errorf("%q was written in the end", got)
		}

		s.flush() // there is no more to be written

		nobody := &held{let: make(chan struct{})}
		unread := newStream(nobody)
		unread.write([]byte("1\n"))
		began := time.Now()
		unread.flush()
		if took := time.Since(began); took != farewell {
			t.Errorf("nobody reads, and it took %v, want %v", took, farewell)
		}
		close(nobody.let)
		unread.close()
	})
}
