package pap

import (
	"crypto/sha256"
	"crypto/subtle"

	"upppoe/ppp"
)

// Method is PAP as an authentication method. It may be used concurrently.
var Method ppp.Method = method{}

type method struct{}

// Name implements ppp.Method.
func (method) Name() string { return "PAP" }

// Option implements ppp.Method: RFC 1334 section 2.1.
func (method) Option() []byte { return []byte{byte(ppp.PAP >> 8), byte(ppp.PAP & 0xff)} }

// NewAuthenticator implements ppp.Method.
func (method) NewAuthenticator(x ppp.AuthenticatorConfig) ppp.Authenticator { return newDemand(x) }

// NewPeer implements ppp.Method.
func (method) NewPeer(c ppp.Credentials) ppp.AuthExchange { return newAnswer(c) }

// Credential is the name and password that a peer sent. It may be used concurrently.
type Credential struct {
	Name     string // as it came: not fit for a terminal
	Password Password
}

var _ ppp.AuthResponse = Credential{}

// User is the name that the peer gave.
func (p Credential) User() string { return p.Name }

// Verify compares digests of the password and the secret, in constant time;
// there is no message. An empty secret never verifies and costs as much as
// another: verify against nil where the user is unknown.
func (p Credential) Verify(secret []byte) (message string, ok bool) {
	got, want := sha256.Sum256(p.Password), sha256.Sum256(secret)
	same := subtle.ConstantTimeCompare(got[:], want[:]) == 1
	return "", same && len(secret) > 0
}
