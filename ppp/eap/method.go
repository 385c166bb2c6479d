package eap

import "upppoe/ppp"

// MD5 is EAP with MD5-Challenge (RFC 3748 section 5.4) as an authentication
// method. As the authenticator it accepts no other type, as the peer it offers
// no other. It may be used concurrently.
var MD5 ppp.Method = method{}

type method struct{}

// Name implements ppp.Method.
func (method) Name() string { return "EAP" }

// Option implements ppp.Method.
func (method) Option() []byte { return []byte{byte(ppp.EAP >> 8), byte(ppp.EAP & 0xff)} }

// NewAuthenticator implements ppp.Method. A proof is a chap.MD5Response with the name that
// the peer gave as its identity.
func (method) NewAuthenticator(x ppp.AuthenticatorConfig) ppp.Authenticator { return newDemand(x) }

// NewPeer implements ppp.Method.
func (method) NewPeer(c ppp.Credentials) ppp.AuthExchange { return newAnswer(c) }
