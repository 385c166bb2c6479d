// Package netiftest runs a session of IPv6's client or server in memory and in the virtual time of
// testing/synctest, which it must be used in. It is for tests only.
package netiftest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/internal/ipv6/netif"
)

// Session is a session that runs in memory, and what it has done. S is the state that it reports.
type Session[S any] struct {
	T          *testing.T
	Log        bytes.Buffer
	States     []S          // passed to Notify
	Set        netif.Config // passed to Apply last
	Applied    int          // number of calls of Apply
	ApplyError error        // returned by Apply
	// Packets, Datagrams, Changes and Failures are its inputs.
	Packets   chan netif.Packet
	Datagrams chan netif.Datagram
	Changes   chan struct{}
	Failures  chan error
	// Turn orders what the test has seen before what the session does next: Advance adds to it, and
	// each method that the session calls loads it.
	Turn atomic.Int32

	end    context.CancelCauseFunc
	result chan error
}

// New returns a session that does not run yet.
func New[S any](t *testing.T) *Session[S] {
	return &Session[S]{
		T: t, Packets: make(chan netif.Packet), Datagrams: make(chan netif.Datagram, 9), Changes: make(chan struct{}),
		Failures: make(chan error, 1), result: make(chan error, 1),
	}
}

// Logger returns a logger that writes to Log.
func (s *Session[S]) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(&s.Log, nil)) }

// Notify records a state.
func (s *Session[S]) Notify(state S) {
	s.Turn.Load()
	s.States = append(s.States, state)
}

// Last returns the state that was reported last.
func (s *Session[S]) Last() S { return s.States[len(s.States)-1] }

// Apply records a configuration.
func (s *Session[S]) Apply(_ time.Time, want netif.Config) error {
	s.Turn.Load()
	s.Set = want
	s.Applied++
	return s.ApplyError
}

// Start runs the session until End, and waits until it is idle.
func (s *Session[S]) Start(run func(context.Context, netif.Inputs) error) {
	ctx, end := context.WithCancelCause(context.Background())
	s.end = end
	go func() {
		s.result <- run(ctx, netif.Inputs{Packets: s.Packets, Datagrams: s.Datagrams, Changes: s.Changes, Failures: s.Failures})
	}()
	synctest.Wait()
}

// Advance advances the time.
func (s *Session[S]) Advance(d time.Duration) {
	s.Turn.Add(1)
	time.Sleep(d)
	synctest.Wait()
}

// End ends the session, and checks that no configuration is left.
func (s *Session[S]) End(cause error) {
	s.T.Helper()
	s.end(cause)
	if err := <-s.result; err != nil {
		s.T.Errorf("ended with %v", err)
	}
	s.checkNothingSet()
}

// Fail lets a socket fail, and checks that the session ends with its error and leaves no
// configuration.
func (s *Session[S]) Fail() {
	s.T.Helper()
	why := errors.New("broken")
	s.Failures <- why
	if err := <-s.result; !errors.Is(err, why) {
		s.T.Errorf("ended with %v, want %v", err, why)
	}
	s.checkNothingSet()
}

func (s *Session[S]) checkNothingSet() {
	s.T.Helper()
	if len(s.Set.Addresses)+len(s.Set.Routes)+len(s.Set.Rules) > 0 {
		s.T.Errorf("left behind: %+v", s.Set)
	}
}
