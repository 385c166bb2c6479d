package main

import (
	"context"
	"testing"

	"upppoe/internal/state/handover"
)

// TestForgetWaits: a program that is upgraded again before it has settled does not touch what its successor has, and
// is forgotten when none of its goroutines uses it any more.
func TestForgetWaits(t *testing.T) {
	p := &program{settled: make(chan struct{})}
	p.upgrades = &upgrader{program: p, done: &handover.Done{}}
	ctx, stop := context.WithCancel(t.Context())
	p.background.Go(func() { p.beginAgain(ctx) })
	p.background.Go(func() { p.settle(ctx) })
	stop()
	p.forget()
	if p.settled != nil || p.upgrades != nil {
		t.Error("it is not forgotten")
	}
}
