package pppoe_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// killed is a lab whose client was killed while its session was open, with what it had recorded.
type killed struct {
	*lab
	record   *pppoe.AdoptableSession
	recorder *recorder
	events   eventLog // of the next client
}

// newKilled dials, and takes the client off the segment, so that nothing that it does at its end arrives.
func newKilled(t *testing.T) *killed {
	t.Helper()
	seen := &recorder{}
	k := &killed{lab: newLab(t, ethertest.Config{Watch: seen.watch}), recorder: seen}
	var mu sync.Mutex
	k.client.Record = func(r *pppoe.AdoptableSession) {
		mu.Lock()
		defer mu.Unlock()
		if k.record == nil || r != nil {
			k.record = r // the last one before it was killed
		}
	}
	k.startServer()
	k.startClient()
	synctest.Wait()
	time.Sleep(time.Second)
	k.exchange()
	k.segment.Unplug(clientAddr)
	k.stopClient()
	time.Sleep(10 * time.Second)
	synctest.Wait()
	k.segment.Plug(clientAddr)
	seen.mu.Lock()
	seen.frames = nil
	seen.mu.Unlock()
	mu.Lock()
	defer mu.Unlock()
	if k.record == nil {
		t.Fatal("no session was recorded")
	}
	k.client.Adopt, k.client.Notify = k.record, k.events.record
	k.clientHost.mu.Lock()
	k.clientHost.made = 0 // the next client's device has the same name
	k.clientHost.mu.Unlock()
	return k
}

// opened returns the session IDs of the server's sessions that were established.
func (k *killed) opened() int { return count[pppoe.SessionEstablished](&k.serverEvents) }

// TestClientAdopts: a client continues the session of one that was killed: without discovery, negotiation,
// or another session at the server.
func TestClientAdopts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKilled(t)
		k.startClient()
		synctest.Wait()
		k.exchange()
		e, ok := last[pppoe.Adopted](&k.events)
		if before, _ := last[pppoe.Configured](&k.clientEvents); !ok || e.Addressing != before.Addressing || e.Uptime < 10*time.Second {
			t.Errorf("adopted %v %+v, want %+v", ok, e, before.Addressing)
		}
		if count[pppoe.Continued](&k.events) != 1 || count[pppoe.Configured](&k.events)+count[pppoe.SessionEstablished](&k.events) != 0 {
			t.Errorf("events %v", &k.events.events)
		}
		time.Sleep(time.Minute)
		if n := len(k.recorder.all(wire.PADI)) + len(k.recorder.all(wire.PADT)); n > 0 || k.opened() != 1 {
			t.Errorf("%d PADIs and PADTs were sent, and the server has opened %d sessions", n, k.opened())
		}
		if n, ok := k.dialer.Counters(); !ok || n.SentPackets != 1 {
			t.Errorf("counters %+v, %v", n, ok)
		}
		k.stop()
		if end, ok := last[pppoe.Ended](&k.serverEvents); !ok || end.Reason.Cause != session.CausePeerTerminated {
			t.Errorf("the session ended as %+v, %v", end, ok)
		}
		if padts := k.recorder.all(wire.PADT); len(padts) == 0 || len(padts[0].Tags) == 0 {
			t.Errorf("PADTs %v, want one with the tags of the session", padts)
		}
	})
}

// TestClientCannotAdopt: where the concentrator does not have the session any more, or the record is of no
// use, the session gets a PADT, and the client dials.
func TestClientCannotAdopt(t *testing.T) {
	for what, spoil := range map[string]func(*killed){
		"the server has ended it": func(k *killed) { k.record.SessionID += 100 },
		"a damaged state":         func(k *killed) { k.record.PPP = k.record.PPP[:len(k.record.PPP)-1] },
		"another address":         func(k *killed) { k.record.Local = wire.Addr{2, 0, 0, 0, 0, 7} },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKilled(t)
				spoil(k)
				old := *k.record
				k.startClient()
				time.Sleep(5 * time.Second)
				synctest.Wait()
				padts := k.recorder.all(wire.PADT)
				if len(padts) == 0 || padts[0].SessionID != old.SessionID || padts[0].Src != old.Local {
					t.Errorf("PADTs %v", padts)
				}
				if len(k.recorder.all(wire.PADI)) == 0 || count[pppoe.Continued](&k.events) > 0 {
					t.Errorf("the client has not dialled: %v", k.events.events)
				}
				if what != "the server has ended it" {
					if e, ok := last[pppoe.AdoptionFailed](&k.events); !ok || !errors.Is(e.Err, session.ErrState) && !errors.Is(e.Err, pppoe.ErrListenerAddress) {
						t.Errorf("event %+v, %v", e, ok)
					}
				}
				if k.opened() != 2 || count[pppoe.Configured](&k.events) == 0 {
					t.Errorf("the server has opened %d sessions", k.opened())
				}
				k.stop()
			})
		})
	}
}

// TestClientEndsBeforeAnswer: a client that ends before the concentrator has answered ends the session, and
// does not dial.
func TestClientEndsBeforeAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKilled(t)
		k.record.SessionID += 100
		k.startClient()
		time.Sleep(time.Second)
		k.stop()
		end := (*pppoe.EndError)(nil)
		if !errors.As(k.clientErr, &end) || end.Reason.Cause != session.CauseUserRequest {
			t.Errorf("it ended with %v", k.clientErr)
		}
		if n := len(k.recorder.all(wire.PADI)); n > 0 {
			t.Errorf("it has sent %d PADIs", n)
		}
	})
}

// TestClientRecords: a session is recorded when packets flow, and no longer when they do not.
func TestClientRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		var mu sync.Mutex
		var said []string
		l.client.Record = func(r *pppoe.AdoptableSession) {
			mu.Lock()
			defer mu.Unlock()
			if r == nil {
				said = append(said, "nothing")
			} else {
				said = append(said, fmt.Sprintf("session %d at %v on %s, PADT with %d octets of tags", r.SessionID, r.AC, r.Device, len(r.PADTTags)))
			}
		}
		l.startServer()
		l.startClient()
		time.Sleep(10 * time.Second)
		l.stop()
		mu.Lock()
		defer mu.Unlock()
		e, _ := last[pppoe.SessionEstablished](&l.clientEvents)
		open := fmt.Sprintf("session %d at %v on ppp0, PADT with %d octets of tags", e.SessionID, serverAddr, len(e.PADTTags))
		if len(said) < 2 || said[0] != open || said[len(said)-1] != "nothing" {
			t.Errorf("recorded %q, want %q first", said, open)
		}
	})
}
