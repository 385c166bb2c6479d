package datapath

import (
	"fmt"
	"testing"
	"time"

	"upppoe/internal/roottest"
	"upppoe/lcp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// TestEcho: with traffic both ways, both ends ask for signs of life, and get them.
func TestEcho(t *testing.T) {
	roottest.Need(t)
	for _, path := range paths {
		t.Run(path.String(), func(t *testing.T) {
			e := dial(t, path, path, settings{echo: lcp.Echo{Interval: 20 * time.Millisecond}})
			before := [2]int64{e.client.echoReplies.Load(), e.server.echoReplies.Load()}
			for end := time.Now().Add(timeout); e.client.echoReplies.Load() < before[0]+5 || e.server.echoReplies.Load() < before[1]+5; {
				streams(t, e.client.Namespace, e.server.Namespace, serverIP, 1<<20)
				if time.Now().After(end) {
					t.Fatalf("%d and %d Echo-Replies have come", e.client.echoReplies.Load(), e.server.echoReplies.Load())
				}
			}
		})
	}
}

// TestIdle: what is carried, by whomever, is a sign of life, so that none need be asked for,
// and keeps a session from being idle. When nothing is carried any more, it is.
func TestIdle(t *testing.T) {
	roottest.Need(t)
	for _, path := range paths {
		t.Run(path.String(), func(t *testing.T) {
			t.Parallel()
			var err error
			for limit := time.Second; limit < 10*time.Second; limit *= 2 {
				if err = staysUp(t, path, limit); err == nil {
					return
				}
			}
			t.Fatal(err)
		})
	}
}

// staysUp has a session carry something for longer than it may be idle. The error says that
// this was too seldom to show anything: on a busy machine, unless it is so however long the
// session may be idle.
func staysUp(t *testing.T, path datapath.Kind, limit time.Duration) error {
	t.Helper()
	e := dial(t, path, path, settings{echo: lcp.Echo{Interval: limit, Adaptive: true}, limits: pppoe.Limits{IdleTimeout: limit}})
	u := associate(t, e.server.Namespace, e.client.Namespace, clientIP, e.mtu)
	defer u.close()
	began, asked := time.Now(), int64(0)
	for last := began; time.Since(began) < 3*limit; time.Sleep(limit / 100) {
		if err := u.one(); err != nil {
			return err
		}
		if gap := time.Since(last); gap > limit/2 {
			return fmt.Errorf("no packet came for %v", gap)
		}
		if last = time.Now(); last.Sub(began) < limit {
			asked = e.client.echoRequests.Load()
		}
	}
	if n := e.client.echoRequests.Load() - asked; n > 0 {
		t.Errorf("%d Echo-Requests were sent, though packets came", n)
	}
	if ended := e.client.ended(t); ended.Reason.Cause != session.Idle || ended.Uptime < 3*limit {
		t.Errorf("the session has ended after %v: %+v", ended.Uptime, ended.Reason)
	}
	return nil
}
