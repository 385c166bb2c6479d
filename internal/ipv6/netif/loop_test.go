package netif

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// recorder is a handler that records its calls.
type recorder struct {
	mu    sync.Mutex
	calls []string
	next  time.Time // of the next step
}

func (r *recorder) call(what string) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, what)
	return r.next
}

// take returns the calls so far, and sets what the next step returns.
func (r *recorder) take(next time.Time) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls, r.next = nil, next
	return calls
}

func (r *recorder) Step(time.Time) time.Time                { return r.call("step") }
func (r *recorder) ReceivePacket(_ time.Time, p Packet)     { r.call("packet on " + p.Interface) }
func (r *recorder) ReceiveDatagram(_ time.Time, d Datagram) { r.call("datagram " + string(d.Data)) }
func (r *recorder) Changed(time.Time)                       { r.call("changed") }

// TestRun: Step is called first, after every event, and when it is due; a failed socket or the end
// of the context ends the loop.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		packets, datagrams, changes, failures := make(chan Packet), make(chan Datagram), make(chan struct{}), make(chan error)
		in := Inputs{Packets: packets, Datagrams: datagrams, Changes: changes, Failures: failures}
		h := &recorder{}
		result := make(chan error)
		var next time.Time
		wants := func(when string, calls ...string) {
			t.Helper()
			synctest.Wait()
			if got := h.take(next); !slices.Equal(got, calls) {
				t.Errorf("%s: %q, want %q", when, got, calls)
			}
		}
		go func() { result <- in.Run(context.Background(), h) }()
		wants("at first", "step")
		time.Sleep(time.Hour)
		next = time.Now().Add(time.Minute)
		wants("without a time for the next step")
		packets <- Packet{Interface: "lan0"}
		next = time.Time{}
		wants("a packet", "packet on lan0", "step")
		time.Sleep(time.Minute - time.Nanosecond)
		wants("before its time")
		time.Sleep(time.Nanosecond)
		wants("in time", "step")
		datagrams <- Datagram{Data: []byte("x")}
		wants("a datagram", "datagram x", "step")
		changes <- struct{}{}
		wants("a change", "changed", "step")
		why := errors.New("broken")
		failures <- why
		if err := <-result; err != why {
			t.Errorf("a socket's failure: %v", err)
		}
		ctx, end := context.WithCancel(context.Background())
		go func() { result <- in.Run(ctx, h) }()
		wants("restarted", "step")
		end()
		if err := <-result; err != nil {
			t.Errorf("the context's end: %v", err)
		}
		wants("in the end")
	})
}
