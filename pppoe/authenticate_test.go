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

// slowAuthenticator is an Authority that says what it thinks only when it is let.
type slowAuthenticator struct {
	accounts
	asked chan struct{} // gets one for each question
	let   chan struct{} // one for each answer
}

func (s slowAuthenticator) Authenticate(ctx context.Context, l pppoe.SessionInfo, p ppp.AuthResponse) pppoe.AuthResult {
	s.asked <- struct{}{}
	select {
	case <-s.let:
	case <-ctx.Done():
	}
	return s.accounts.Authenticate(ctx, l, p)
}

// TestRenegotiateDuringAuth: a peer that negotiates anew while its proof is judged has
// to prove itself anew: the decision on the first proof is none on the second. However often
// it does so, the Authority has one question at a time.
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
			t.Errorf("the Authority has %d questions of one session under way, want 1", n)
		}
		who.let <- struct{}{}
		synctest.Wait()
		if n := count[session.NetworkPhase](&l.serverEvents); n != 0 {
			t.Fatal("who has a wrong password came in by the decision on a right one")
		}
		who.let <- struct{}{}
		synctest.Wait()
		time.Sleep(time.Minute)
		if e, ok := last[pppoe.Ended](&l.serverEvents); !ok || e.Reason.Cause != session.PeerNotAuthenticated {
			t.Errorf("the server's session ended so: %+v, want peer-not-authenticated", e)
		}
		l.stop()
	})
}
