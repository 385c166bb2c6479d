package radius

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"

	"layeh.com/radius"

	"upppoe/chap"
	"upppoe/internal/host/netconfig"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// Config configures an Authenticator. NAS must be set.
type Config struct {
	NAS      *NAS
	Policies Policies
	// Base returns the policy of a session that the server's attributes change, and whose timeouts
	// they replace; nil: the zero policy.
	Base func(pppoe.SessionInfo) pppoe.SessionPolicy
	Log  *slog.Logger
}

// Authenticator authenticates peers by RADIUS servers.
type Authenticator struct {
	cfg      Config
	policies atomic.Pointer[Policies]
	client   *Client
}

var _ pppoe.Authenticator = (*Authenticator)(nil)

// NewAuthenticator returns an authenticator that sends its requests by a client.
func NewAuthenticator(cfg Config, client *Client) *Authenticator {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	a := &Authenticator{cfg: cfg, client: client}
	a.SetPolicies(&cfg.Policies)
	return a
}

// SetPolicies makes later answers of servers mean what these policies say. They must not change.
func (a *Authenticator) SetPolicies(p *Policies) { a.policies.Store(p) }

// Authenticate asks the servers, and blocks until one answers, all have failed to, or ctx ends. An
// attribute with a wrong value rejects the peer: half a policy could give it what it must not have.
func (a *Authenticator) Authenticate(ctx context.Context, s pppoe.SessionInfo, r ppp.AuthResponse) pppoe.AuthResult {
	answer, err := a.client.Exchange(ctx, func(secret []byte) (*radius.Packet, error) { return a.accessRequest(secret, s, r) })
	if err != nil {
		return reject(err.Error(), "")
	}
	g := newGrant(a.policies.Load(), a.base(s))
	if err := g.apply(answer); err != nil {
		a.cfg.Log.Warn(fmt.Sprintf("RADIUS: %q is rejected: %v", wire.EscapeName(r.User()), err))
		return reject("the RADIUS server's "+err.Error(), "")
	}
	switch answer.Code {
	case radius.CodeAccessAccept:
		return accept(g, r)
	case radius.CodeAccessReject:
		rejected := reject("rejected by the RADIUS server", firstText(g.msError, g.message))
		rejected.Relayed = g.eap
		return rejected
	}
	if _, ok := r.(eap.Relayed); !ok || len(g.eap) == 0 {
		return reject("the RADIUS server requires a challenge, which the method does not have", "")
	}
	return pppoe.AuthResult{AuthResult: ppp.AuthResult{Relayed: g.eap, State: g.state}}
}

// errNoSuccess: without it the peer does not accept the server (RFC 2548 section 2.3.3).
var errNoSuccess = errors.New("the RADIUS server's answer has no MS-CHAP2-Success")

// accept returns the result of an Access-Accept.
func accept(g *grant, r ppp.AuthResponse) pppoe.AuthResult {
	message := g.message
	if _, ok := r.(chap.MSv2Response); ok {
		if message = g.msSuccess; message == "" {
			return reject(errNoSuccess.Error(), "")
		}
	}
	allow := func(a netip.Addr) bool { return netconfig.CheckHostAddress(a) == nil }
	return pppoe.AuthResult{AuthResult: ppp.AuthResult{Accepted: true, Message: message, Address: g.address, AllowAddress: allow, Relayed: g.eap}, Policy: &g.policy}
}

func reject(why, message string) pppoe.AuthResult {
	return pppoe.AuthResult{AuthResult: ppp.AuthResult{Reason: why, Message: message}}
}

func firstText(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func (a *Authenticator) base(s pppoe.SessionInfo) pppoe.SessionPolicy {
	if a.cfg.Base == nil {
		return pppoe.SessionPolicy{}
	}
	return a.cfg.Base(s)
}
