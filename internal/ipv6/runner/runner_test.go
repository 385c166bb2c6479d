package runner

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/internal/ipv6/netif"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// job is a function that takes a second to end, like one that releases leases.
type job struct {
	mu sync.Mutex
	is string
}

func (w *job) run(ctx context.Context) error {
	w.set("begun")
	<-ctx.Done()
	time.Sleep(time.Second)
	w.set("over: " + context.Cause(ctx).Error())
	return nil
}

func (w *job) set(is string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.is = is
}

// want checks the state of each job; empty: it has not started.
func want(t *testing.T, when string, is map[*job]string) {
	t.Helper()
	for w, want := range is {
		w.mu.Lock()
		if w.is != want {
			t.Errorf("%s: one is %q, want %q", when, w.is, want)
		}
		w.mu.Unlock()
	}
}

var (
	begun    = "begun"
	gone     = "over: " + netif.ErrLinkGone.Error()
	canceled = "over: " + context.Canceled.Error()
)

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// TestOneAtATime: a function waits for the previous one of the same key to return; Start does not.
func TestOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New[int]("", silent())
		var first, second, third, other job
		r.Start(1, first.run)
		r.Start(2, other.run)
		synctest.Wait()
		before := time.Now()
		r.Start(1, second.run)
		r.Start(1, third.run)
		if took := time.Since(before); took != 0 {
			t.Errorf("Start takes %v", took)
		}
		synctest.Wait()
		want(t, "while the first ends", map[*job]string{&first: begun, &second: "", &third: "", &other: begun})
		time.Sleep(time.Second + 1)
		synctest.Wait()
		want(t, "while the second ends", map[*job]string{&first: gone, &second: begun, &third: "", &other: begun})
		time.Sleep(time.Second)
		synctest.Wait()
		want(t, "after the second", map[*job]string{&second: gone, &third: begun, &other: begun})
		r.Close(context.Canceled)
		want(t, "after Close", map[*job]string{&third: canceled, &other: canceled})
	})
}

// TestStop: a function gets the cause, and its key is removed when it returns.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New[int]("", silent())
		why := errors.New("why")
		var w, other job
		r.Start(1, w.run)
		r.Start(2, other.run)
		if r.Stop(3, why) {
			t.Error("what was never started runs")
		}
		if !r.Stop(1, why) || !r.Stop(1, context.Canceled) {
			t.Error("what has not returned does not run")
		}
		time.Sleep(time.Second + 1)
		synctest.Wait()
		want(t, "after End", map[*job]string{&w: "over: why", &other: begun})
		if r.Stop(1, why) || len(r.active) != 1 {
			t.Errorf("after Stop %d run", len(r.active))
		}
		r.Stop(2, why)
		r.Wait()
		want(t, "after Wait", map[*job]string{&other: "over: why"})
		if len(r.active) != 0 {
			t.Errorf("after Wait %d run", len(r.active))
		}
	})
}

// TestClose: all functions are cancelled with the cause, Close waits for them, and nothing starts
// any more.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New[int]("", silent())
		var w, late job
		r.Start(1, w.run)
		synctest.Wait()
		go r.Close(context.Canceled)
		synctest.Wait()
		r.Start(1, late.run)
		r.Close(context.Canceled) // waits as well
		want(t, "after Close", map[*job]string{&w: canceled, &late: ""})
	})
}

// TestErrorsLogged: errors of a function, and of a nonexistent namespace.
func TestErrorsLogged(t *testing.T) {
	var log bytes.Buffer
	fail := func(context.Context) error { return errors.New("IPv6 on ppp0: broken") }
	for namespace, want := range map[string]string{"": "IPv6 on ppp0: broken", "/nowhere": "/nowhere: no network namespace"} {
		log.Reset()
		r := New[int](namespace, slog.New(slog.NewTextHandler(&log, nil)))
		r.Start(1, fail)
		r.Wait()
		if got := log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, want) {
			t.Errorf("%q: the log says %q, want %q", namespace, got, want)
		}
	}
}

func TestFollow(t *testing.T) {
	one := pppoe.Addressing{IPv6: ipv6cp.Agreement{Local: ipv6cp.ID{7: 1}, Remote: ipv6cp.ID{7: 2}}}
	two := pppoe.Addressing{IPv6: ipv6cp.Agreement{Local: ipv6cp.ID{7: 3}, Remote: ipv6cp.ID{7: 2}}}
	for name, c := range map[string]struct {
		event pppoe.Event
		want  string
	}{
		"opened":            {pppoe.Configured{Addressing: one}, "up fe80::1"},
		"renegotiated":      {pppoe.Configured{Addressing: two, Previous: one}, "up fe80::3"},
		"something else":    {pppoe.Configured{Addressing: one, Previous: one}, ""},
		"IPv4 alone":        {pppoe.Configured{}, ""},
		"IPv4 after it":     {pppoe.Configured{Previous: one}, ""},
		"closed":            {pppoe.NetworkLost{Protocol: ppp.IPv6CP}, "down"},
		"IPv4 closed":       {pppoe.NetworkLost{Protocol: ppp.IPCP}, ""},
		"IPv6CP has failed": {session.NetworkFailed{Protocol: ppp.IPv6CP}, ""},
	} {
		got := ""
		HandleEvent(c.event, func(a pppoe.Addressing) { got += "up " + a.IPv6.Local.LinkLocal().String() }, func() { got += "down" })
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
