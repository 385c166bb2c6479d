package pppoe

import (
	"context"
	"time"

	"upppoe/ppp"
)

// authenticate has an Authority judge a proof. Sessions bound the number of questions: each has
// at most one under way. What a peer that negotiates anew offers meanwhile waits for it, as
// its answer is none on the new proof; only the last waits.
func (l *loop) authenticate(ctx context.Context, a Authenticator, s *sessionState, p ppp.AuthResponse) {
	if s.authPending {
		s.nextAuth = p
		return
	}
	s.authPending, s.authUser = true, p.User()
	line := s.SessionInfo
	// Ends when the Authority answers, or the loop has ended.
	go func() {
		d := a.Authenticate(ctx, line, p)
		l.call(func(now time.Time) { l.authenticated(ctx, now, a, s, d) })
	}()
}

// authenticated brings an Authority's answer to the session, unless there is another proof by now.
func (l *loop) authenticated(ctx context.Context, now time.Time, a Authenticator, s *sessionState, d AuthResult) {
	next := s.nextAuth
	s.authPending, s.nextAuth = false, nil
	switch {
	case s.endReason != nil:
	case next != nil:
		l.authenticate(ctx, a, s, next)
	default:
		s.authPolicy = d.Policy
		l.owner.completeAuth(s, &d)
		s.ppp.SetAuthResult(now, d.AuthResult, &s.out)
		l.flush(now, s)
	}
}

// An Authority says who may have a session. It is asked from goroutines of its
// own, so it may block (a RADIUS server's answer), and may be asked for several
// lines at once.
type Authenticator interface {
	Authenticate(ctx context.Context, l SessionInfo, p ppp.AuthResponse) AuthResult
}

// AuthResult is what an Authority says of a proof, and what a server holds the session to if
// it is granted. The Terms come with it, so that they are those of the peer that this very
// proof has authenticated, and of nobody who had the session, or its ID, before.
type AuthResult struct {
	ppp.AuthResult
	// Policy are the account's own; nil: it has none, and ServerConfig.Policy says what holds.
	Policy *SessionPolicy
}
