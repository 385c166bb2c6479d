package pppoe_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/pap"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// slowAuthenticator is an Authenticator that answers when the test allows it.
type slowAuthenticator struct {
	accounts
	asked chan struct{} // receives one value per request
	let   chan struct{} // one value per answer
}

func (s slowAuthenticator) Authenticate(ctx context.Context, l pppoe.SessionInfo, p ppp.AuthResponse) pppoe.AuthResult {
	s.asked <- struct{}{}
	select {
	case <-s.let:
	case <-ctx.Done():
	}
	return s.accounts.Authenticate(ctx, l, p)
}

// TestRenegotiateDuringAuth: a peer that renegotiates during its authentication must authenticate
// again: the result of the first response does not apply to the second. The Authenticator has one
// request at a time, however often the peer renegotiates.
func TestRenegotiateDuringAuth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		who := slowAuthenticator{accounts{"testuser": "testpassword"}, make(chan struct{}, 100), make(chan struct{})}
		l.server.Authenticator = who
		l.server.Session.LCP.RequireAuth = []ppp.Method{pap.Method}
		password := "testpassword"
		l.client.Session.Credentials.Secret = func(string) ([]byte, bool) { return []byte(password), true }
		l.startServer()
		l.startClient()
		synctest.Wait()
		password = "wrong"
		for range 10 {
			l.segment.Send(wire.AppendSessionFrame(nil, serverAddr, clientAddr, 1, []byte{0xc0, 0x21, 1, 99, 0, 4}))
			time.Sleep(10 * time.Second)
			synctest.Wait()
		}
		if n := len(who.asked); n != 1 {
			t.Errorf("the Authenticator has %d requests of one session in progress, want 1", n)
		}
		who.let <- struct{}{}
		synctest.Wait()
		if n := count[session.NetworkPhase](&l.serverEvents); n != 0 {
			t.Fatal("a peer with a wrong password was accepted by the result for a right one")
		}
		who.let <- struct{}{}
		synctest.Wait()
		time.Sleep(time.Minute)
		if e, ok := last[pppoe.Ended](&l.serverEvents); !ok || e.Reason.Cause != session.CausePeerNotAuthenticated {
			t.Errorf("the server's session ended with %+v, want peer-not-authenticated", e)
		}
		l.stop()
	})
}
