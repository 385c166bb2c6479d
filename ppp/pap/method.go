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
func (method) NewAuthenticator(cfg ppp.AuthenticatorConfig) ppp.Authenticator {
	return newAuthenticator(cfg)
}

// NewPeer implements ppp.Method.
func (method) NewPeer(c ppp.Credentials) ppp.AuthExchange { return newPeer(c) }

// Credential is the name and password that a peer sent. It may be used concurrently.
type Credential struct {
	Name     string // untrusted: escape it before printing
	Password Password
}

var _ ppp.AuthResponse = Credential{}

// User returns the name that the peer sent. It is untrusted.
func (c Credential) User() string { return c.Name }

// Verify reports whether the password equals the secret; the message is empty. It
// compares digests, in constant time. An empty secret never verifies and takes as long
// as any other: for an unknown user, verify against nil.
func (c Credential) Verify(secret []byte) (message string, ok bool) {
	got, want := sha256.Sum256(c.Password), sha256.Sum256(secret)
	same := subtle.ConstantTimeCompare(got[:], want[:]) == 1
	return "", same && len(secret) > 0
}
