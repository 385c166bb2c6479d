package eap

import "upppoe/ppp"

// MD5 is EAP with MD5-Challenge (RFC 3748 section 5.4) as a ppp.Method. As the
// authenticator it accepts no other type, as the peer it proposes no other. It may be
// used concurrently.
var MD5 ppp.Method = method{}

type method struct{}

// Name implements ppp.Method.
func (method) Name() string { return "EAP" }

// Option implements ppp.Method.
func (method) Option() []byte { return []byte{byte(ppp.EAP >> 8), byte(ppp.EAP & 0xff)} }

// NewAuthenticator implements ppp.Method. The responses are of type chap.MD5Response;
// their name is the peer's identity.
func (method) NewAuthenticator(cfg ppp.AuthenticatorConfig) ppp.Authenticator {
	return newAuthenticator(cfg)
}

// NewPeer implements ppp.Method.
func (method) NewPeer(c ppp.Credentials) ppp.AuthExchange { return newPeer(c) }
