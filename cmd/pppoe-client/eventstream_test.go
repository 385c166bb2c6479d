package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/internal/log/linequeue"
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

// TestStream: nobody waits for a slow reader, who gets what could wait, and how much that
// is missing.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &held{let: make(chan struct{})}
		s, began := newStream(to), time.Now()
		s.write([]byte("1\n"))
		synctest.Wait()
		for range linequeue.MaxLines + 5 {
			s.write([]byte("2\n"))
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("a reader that stands still is waited for: %v", took)
		}
		time.AfterFunc(flushTimeout/2, func() { close(to.let) })
		s.flush()
		lines := strings.SplitAfter(to.text.String(), "\n")
		if n := len(lines); n != linequeue.MaxLines+3 || lines[1] != "2\n" || lines[n-3] != "2\n" {
			t.Fatalf("%d lines came, want %d", n, linequeue.MaxLines+3)
		}
		if got := lines[len(lines)-2]; !strings.HasPrefix(got, `{"time":"`) || !strings.HasSuffix(got, `"event":"missed","missed":5}`+"\n") {
			t.Errorf("what is missing is told as %s", got)
		}
	})
}

// TestStreamFlush: what was written before comes first, unless nobody reads.
func TestStreamFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &held{let: make(chan struct{})}
		s := newStream(to)
		s.write([]byte("1\n"))
		s.write([]byte("2\n"))
		began := time.Now()
		s.flush()
		if took := time.Since(began); took != flushTimeout {
			t.Errorf("nobody reads, and it took %v, want %v", took, flushTimeout)
		}
		close(to.let)
		s.flush()
		if got := to.text.String(); got != "1\n2\n" {
			t.Errorf("%q was written before it went on", got)
		}
		began = time.Now()
		s.flush() // there is no more to be written
		if took := time.Since(began); took != 0 {
			t.Errorf("flushing nothing took %v", took)
		}
	})
}
