package pppoe_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
)

// TestReconfigure: an open session keeps its configuration; the next has the new one; an invalid
// configuration changes nothing.
func TestReconfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		server := l.startServer()
		l.startClient()
		synctest.Wait()
		l.exchange()

		bad := l.server
		bad.Authenticator = nil
		if err := server.Reconfigure(bad); err == nil || !strings.Contains(err.Error(), "Authenticator is not") {
			t.Errorf("a missing Authenticator: %v", err)
		}
		changed := l.server
		changed.Authenticator, changed.Limits = accounts{"testuser": "another"}, pppoe.SessionLimits{SessionTimeout: time.Hour}
		changed.Pool, changed.Concentrator, changed.Network = pppoe.Pool{}, discovery.ConcentratorConfig{}, nil // which stay
		if err := server.Reconfigure(changed); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		l.exchange()
		l.stopClient()
		time.Sleep(time.Minute)
		synctest.Wait()

		l.startClient()
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := l.cause(); got != session.CauseNotAuthenticated {
			t.Errorf("with the old password a client ended with %v: %v", got, l.clientErr)
		}
		changed.Authenticator = l.server.Authenticator
		if err := server.Reconfigure(changed); err != nil {
			t.Fatal(err)
		}
		l.startClient()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if e, ok := last[pppoe.Ended](&l.serverEvents); !ok || e.Reason.Cause != session.CauseExpired {
			t.Errorf("the new limit has no effect: %v", e.Reason)
		}
		l.stop()
	})
}
