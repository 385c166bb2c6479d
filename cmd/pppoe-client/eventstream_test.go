package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/internal/log/linequeue"
)

// held is a writer that blocks until its channel is closed.
type held struct {
	let  chan struct{}
	text bytes.Buffer
}

func (h *held) Write(b []byte) (int, error) {
	<-h.let
	return h.text.Write(b)
}

// TestStream: a slow reader blocks nothing, and gets the queued events and the number of dropped ones.
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
			t.Errorf("a reader that does not read blocks for %v", took)
		}
		time.AfterFunc(flushTimeout/2, func() { close(to.let) })
		s.flush()
		lines := strings.SplitAfter(to.text.String(), "\n")
		if n := len(lines); n != linequeue.MaxLines+3 || lines[1] != "2\n" || lines[n-3] != "2\n" {
			t.Fatalf("%d lines came, want %d", n, linequeue.MaxLines+3)
		}
		if got := lines[len(lines)-2]; !strings.HasPrefix(got, `{"time":"`) || !strings.HasSuffix(got, `"event":"missed","missed":5}`+"\n") {
			t.Errorf("dropped events are reported as %s", got)
		}
	})
}

// TestStreamFlush: flush waits for all events so far, or for the timeout.
func TestStreamFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &held{let: make(chan struct{})}
		s := newStream(to)
		s.write([]byte("1\n"))
		s.write([]byte("2\n"))
		began := time.Now()
		s.flush()
		if took := time.Since(began); took != flushTimeout {
			t.Errorf("without a reader it took %v, want %v", took, flushTimeout)
		}
		close(to.let)
		s.flush()
		if got := to.text.String(); got != "1\n2\n" {
			t.Errorf("%q was written before it returned", got)
		}
		began = time.Now()
		s.flush() // nothing is queued
		if took := time.Since(began); took != 0 {
			t.Errorf("flushing nothing took %v", took)
		}
	})
}
