package pppoe

import (
	"context"
	"time"

	"upppoe/ppp"
)

// Authenticator authenticates peers and authorizes their sessions (AAA). Each call runs in its own
// goroutine and may block, for example for a RADIUS server. It should return when ctx ends.
type Authenticator interface {
	Authenticate(ctx context.Context, s SessionInfo, r ppp.AuthResponse) AuthResult
}

// AuthResult is the result of an authentication. The policy is part of it, so that it always
// belongs to the user that was authenticated, and not to one that had the session or its ID before.
type AuthResult struct {
	ppp.AuthResult
	// Policy is the account's own policy; nil: ServerConfig.Policy applies.
	Policy *SessionPolicy
}

// authInProgress is a request that the Authenticator has.
type authInProgress struct {
	user string           // the name that the peer gave; untrusted
	next ppp.AuthResponse // the response to authenticate next; nil: none
}

// authenticate passes a peer's response to the Authenticator. A session has at most one request in
// progress. If the peer renegotiates meanwhile, its new response waits, because the result of the
// first does not apply to it; only the last one waits.
func (l *loop) authenticate(ctx context.Context, a Authenticator, s *sessionState, r ppp.AuthResponse) {
	if s.auth != nil {
		s.auth.next = r
		return
	}
	s.auth = &authInProgress{user: r.User()}
	info := s.info()
	// Ends when the Authenticator returns; its result is dropped if the loop has ended.
	go func() {
		result := a.Authenticate(ctx, info, r)
		l.call(func(now time.Time) { l.authenticated(ctx, now, a, s, result) })
	}()
}

// authenticated applies the Authenticator's result to the session, or starts the next request if
// the peer has sent another response.
func (l *loop) authenticated(ctx context.Context, now time.Time, a Authenticator, s *sessionState, result AuthResult) {
	request := s.auth
	s.auth = nil
	switch {
	case s.endReason != nil:
	case request.next != nil:
		l.authenticate(ctx, a, s, request.next)
	default:
		s.authPolicy = result.Policy
		l.owner.completeAuth(s, request.user, &result)
		s.ppp.SetAuthResult(now, result.AuthResult, l.output(s))
		l.flush(now, s)
	}
}
