package pppoe_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// packetTimes are the discovery packets of a segment, with their times.
type packetTimes struct {
	mu    sync.Mutex
	began time.Time
	seen  []packetTime
}

type packetTime struct {
	code wire.Code
	at   time.Duration
}

func (s *packetTimes) watch(frame []byte) {
	f, err := wire.ParseDiscoveryFrame(frame)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began.IsZero() {
		s.began = time.Now()
	}
	s.seen = append(s.seen, packetTime{f.Code, time.Since(s.began)})
}

func (s *packetTimes) of(code wire.Code) (at []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.seen {
		if one.code == code {
			at = append(at, one.at)
		}
	}
	return at
}

// TestPADTGrace: the PADI follows the PADTs of stale sessions after the PADT grace, whatever the
// interface state does meanwhile and whatever arrives.
func TestPADTGrace(t *testing.T) {
	for what, play := range map[string]func(l *lab){
		"nothing happens": func(*lab) {},
		"the carrier is lost and returns": func(l *lab) {
			l.dialer.SetInterfaceState(pppoe.InterfaceNoCarrier)
			l.dialer.SetInterfaceState(pppoe.InterfaceUp)
		},
		"an unsolicited PADO arrives": func(l *lab) {
			offer := wire.DiscoveryFrame{Dst: clientAddr, Src: serverAddr, Discovery: wire.Discovery{Code: wire.PADO}}
			other := l.segment.Ports(wire.Addr{2, 0, 0x5e, 0, 0x53, 0x66})
			defer other.Close()
			other.Discovery.WriteBatch([][]byte{offer.AppendTo(nil)})
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen packetTimes
				l := newLab(t, ethertest.Config{Watch: seen.watch})
				l.client.Stale = []pppoe.StaleSession{{SessionID: 7, AC: serverAddr}, {SessionID: 8, AC: serverAddr}}
				l.startServer()
				l.startClient()
				time.Sleep(50 * time.Millisecond)
				play(l)
				time.Sleep(time.Second)
				l.checkOnline(1, "after the PADT grace")
				padt, padi := seen.of(wire.PADT), seen.of(wire.PADI)
				if !slices.Equal(padt, []time.Duration{0, 0}) || !slices.Equal(padi, []time.Duration{100 * time.Millisecond}) {
					t.Errorf("PADT at %v, PADI at %v; want two at once and one after 100 ms", padt, padi)
				}
				l.stop()
			})
		})
	}
}

// TestEndsBeforeSession: a dial in discovery ends at once, for any reason, and leaves nothing.
func TestEndsBeforeSession(t *testing.T) {
	for _, c := range []struct {
		what  string
		stale bool
		end   func(l *lab)
		want  session.Cause
	}{
		{"cancelled", false, func(l *lab) { l.stopClient() }, session.CauseUserRequest},
		{"cancelled during the PADT grace", true, func(l *lab) { l.stopClient() }, session.CauseUserRequest},
		{"Redial without Persist", false, func(l *lab) { l.dialer.Redial() }, session.CauseUserRequest},
		{"interface set down", false, func(l *lab) { l.dialer.SetInterfaceState(pppoe.InterfaceDown) }, session.CauseHangUp},
		{"interface removed during the PADT grace", true, func(l *lab) { l.dialer.SetInterfaceState(pppoe.InterfaceGone) }, session.CauseHangUp},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, ethertest.Config{})
				if c.stale {
					l.client.Stale = []pppoe.StaleSession{{SessionID: 7, AC: serverAddr}}
				}
				l.startClient()
				synctest.Wait()
				began := time.Now()
				c.end(l)
				l.running.Wait()
				if took := time.Since(began); l.cause() != c.want || took != 0 {
					t.Errorf("it ended with %v after %v, want %v at once", l.clientErr, took, c.want)
				}
				if l.clientHost.made != 0 {
					t.Errorf("it made %d devices", l.clientHost.made)
				}
				l.stopClient()
			})
		})
	}
}

// TestInterfaceGoesAtOnce: an interface state that is set while a dial begins is not lost.
func TestInterfaceGoesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		listen := l.client.OpenPorts
		l.client.OpenPorts = func() (pppoe.Ports, error) {
			l.dialer.SetInterfaceState(pppoe.InterfaceDown)
			return listen()
		}
		began := time.Now()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		l.dialer = l.newClient()
		l.clientErr = l.dialer.Run(ctx)
		if took := time.Since(began); l.cause() != session.CauseHangUp || took != 0 {
			t.Errorf("it ended with %v after %v, want a hang-up at once", l.clientErr, took)
		}
		if n := count[pppoe.InterfaceChanged](&l.clientEvents); n != 1 {
			t.Errorf("it was reported %d times", n)
		}
	})
}

// TestWithoutCarrierFromTheStart: discovery goes on for 10 s without carrier, and restarts when the
// carrier returns.
func TestWithoutCarrierFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen packetTimes
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.client.Discovery.Timeout = time.Hour
		l.segment.Unplug(clientAddr)
		l.startServer()
		l.startClient()
		synctest.Wait()
		l.dialer.SetInterfaceState(pppoe.InterfaceNoCarrier)
		time.Sleep(5 * time.Second)
		l.segment.Plug(clientAddr)
		l.dialer.SetInterfaceState(pppoe.InterfaceUp)
		l.checkOnline(1, "with carrier")
		time.Sleep(time.Minute)
		l.checkOnline(1, "a minute later")
		l.stop()

		l = newLab(t, ethertest.Config{})
		l.startClient()
		synctest.Wait()
		l.dialer.SetInterfaceState(pppoe.InterfaceNoCarrier)
		began := time.Now()
		l.running.Wait()
		if took := time.Since(began); l.cause() != session.CauseHangUp || took != 10*time.Second {
			t.Errorf("without a carrier it ended with %v after %v, want a hang-up after 10 s", l.clientErr, took)
		}
		l.stopClient()
	})
}

// TestSearchReported: after 10 s without a matching offer the search is reported, once, with the
// unmatched concentrators; the timeout at the end is too. A dial that is answered reports neither.
func TestSearchReported(t *testing.T) {
	for _, c := range []struct {
		what      string
		change    func(*lab)
		reported  bool
		unmatched []discovery.Mismatch
		gaveUp    time.Duration // 0: it did not
	}{
		{"no concentrator", func(l *lab) { l.segment.Unplug(serverAddr) }, true, nil, 35 * time.Second},
		{"another name", func(l *lab) { l.client.Discovery.ACNames = []string{"other"} }, true, []discovery.Mismatch{discovery.WrongACName}, 35 * time.Second},
		{"it gives up sooner", func(l *lab) { l.segment.Unplug(serverAddr); l.client.Discovery.Attempts = 1 }, false, nil, 5 * time.Second},
		{"a concentrator", func(*lab) {}, false, nil, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			c.change(l)
			l.startServer()
			l.startClient()
			time.Sleep(10*time.Second - time.Nanosecond)
			synctest.Wait()
			if n := count[pppoe.Searching](&l.clientEvents); n > 0 {
				t.Errorf("%s: reported too early", c.what)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			event, reported := last[pppoe.Searching](&l.clientEvents)
			if n := count[pppoe.Searching](&l.clientEvents); reported != c.reported || n > 1 || reported && (event.Elapsed != 10*time.Second || !slices.Equal(reasons(event.Unmatched), c.unmatched)) {
				t.Errorf("%s: reported %d times, %+v", c.what, n, event)
			}
			end, gaveUp := last[pppoe.DiscoveryTimeout](&l.clientEvents)
			if gaveUp != (c.gaveUp > 0) || gaveUp && (end.Missing != wire.PADO || !slices.Equal(reasons(end.Unmatched), c.unmatched)) {
				t.Errorf("%s: in the end %+v", c.what, end)
			}
			l.stop()
		})
	}
}

func reasons(all []discovery.Unmatched) (why []discovery.Mismatch) {
	for _, u := range all {
		why = append(why, u.Reason)
	}
	return why
}

// TestStaleRedial: Redial while there is no interface causes one dial when it is back, and no
// second one.
func TestStaleRedial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.client.Redial = persist(time.Hour, 0)
		l.startServer()
		l.startClient()
		l.checkOnline(1, "at first")
		l.dialer.SetInterfaceState(pppoe.InterfaceDown)
		time.Sleep(time.Minute) // the session's end is followed by one quick dial
		l.dialer.Redial()
		synctest.Wait()
		l.dialer.SetInterfaceState(pppoe.InterfaceUp)
		time.Sleep(100 * time.Millisecond) // the PADT of the first session is sent before
		l.checkOnline(2, "with the interface up")
		l.stopServer()
		time.Sleep(time.Minute)
		if w, ok := last[pppoe.AwaitingRedial](&l.clientEvents); !ok || w.Delay < time.Hour {
			t.Errorf("after the second session it waits for %v, want the hour", w.Delay)
		}
		if end := (*pppoe.EndError)(nil); errors.As(l.clientErr, &end) {
			t.Errorf("it has ended: %v", end)
		}
		l.stop()
	})
}
