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

// TestEcho: with traffic in both directions, both ends send Echo-Requests and receive replies.
func TestEcho(t *testing.T) {
	roottest.Need(t)
	for _, path := range paths {
		t.Run(path.String(), func(t *testing.T) {
			e := dial(t, path, path, settings{echo: lcp.Echo{Interval: 20 * time.Millisecond}})
			before := [2]int64{e.client.echoReplies.Load(), e.server.echoReplies.Load()}
			for end := time.Now().Add(timeout); e.client.echoReplies.Load() < before[0]+5 || e.server.echoReplies.Load() < before[1]+5; {
				streams(t, e.client.Namespace, e.server.Namespace, serverIP, 1<<20)
				if time.Now().After(end) {
					t.Fatalf("%d and %d Echo-Replies arrived", e.client.echoReplies.Load(), e.server.echoReplies.Load())
				}
			}
		})
	}
}

// TestIdle: data packets on any path make adaptive Echo-Requests unnecessary, and keep a session
// from being idle. Without packets, it ends as idle.
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

// staysUp sends packets over a session for longer than its idle timeout. An error reports that
// packets were too rare to show anything, as on a busy machine; the caller then retries with a
// longer timeout.
func staysUp(t *testing.T, path datapath.Kind, limit time.Duration) error {
	t.Helper()
	e := dial(t, path, path, settings{echo: lcp.Echo{Interval: limit, Adaptive: true}, limits: pppoe.SessionLimits{IdleTimeout: limit}})
	u := associate(t, e.server.Namespace, e.client.Namespace, clientIP, e.mtu)
	defer u.close()
	began, asked := time.Now(), int64(0)
	for last := began; time.Since(began) < 3*limit; time.Sleep(limit / 100) {
		if err := u.one(); err != nil {
			return err
		}
		if gap := time.Since(last); gap > limit/2 {
			return fmt.Errorf("no packet arrived for %v", gap)
		}
		if last = time.Now(); last.Sub(began) < limit {
			asked = e.client.echoRequests.Load()
		}
	}
	if n := e.client.echoRequests.Load() - asked; n > 0 {
		t.Errorf("%d Echo-Requests were sent although packets arrived", n)
	}
	if ended := e.client.ended(t); ended.Reason.Cause != session.CauseIdle || ended.Uptime < 3*limit {
		t.Errorf("the session ended after %v: %+v", ended.Uptime, ended.Reason)
	}
	return nil
}
