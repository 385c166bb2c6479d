package chap

import (
	"io"

	"upppoe/ppp"
)

// Algorithm is a CHAP algorithm, by its number in LCP's Authentication-Protocol
// option (RFC 1994 section 3), and as such an authentication method. It may be
// used concurrently.
type Algorithm uint8

// The algorithms. There are no others here.
const (
	MD5  Algorithm = 0x05 // RFC 1994
	MSv1 Algorithm = 0x80 // MS-CHAPv1, RFC 2433: on the peer's side alone, for it is broken
	MSv2 Algorithm = 0x81 // MS-CHAPv2, RFC 2759
)

var _ ppp.Method = MD5

// Name is "CHAP", as pppd's log calls all of them.
func (a Algorithm) Name() string { return "CHAP" }

// String is the algorithm's name as pppd prints it.
func (a Algorithm) String() string {
	switch a {
	case MSv1:
		return "MS"
	case MSv2:
		return "MS-v2"
	}
	return "MD5"
}

// Option is the value of LCP's Authentication-Protocol option.
func (a Algorithm) Option() []byte {
	return []byte{byte(ppp.CHAP >> 8), byte(ppp.CHAP & 0xff), byte(a)}
}

// NewAuthenticator begins to challenge a peer. While a proof is judged no timer runs: who
// judges bounds that. By MSv1 no peer can prove anything.
func (a Algorithm) NewAuthenticator(x ppp.AuthenticatorConfig) ppp.Authenticator {
	if a == MSv1 {
		return &refusing{}
	}
	return newDemand(a.scheme(), x)
}

// NewPeer begins to wait for challenges.
func (a Algorithm) NewPeer(c ppp.Credentials) ppp.AuthExchange { return newAnswer(a.scheme(), c) }

func (a Algorithm) scheme() scheme {
	switch a {
	case MSv1:
		return msv1{}
	case MSv2:
		return msv2{}
	}
	return md5Scheme{}
}

// scheme is what the algorithms do differently: the contents of packets that
// are sent and repeated in the same way.
type scheme interface {
	// challenge draws one, and marks it.
	challenge(rand io.Reader, key []byte) []byte
	// proof makes one of a Response's value, unless its length is wrong.
	proof(id uint8, challenge, value []byte, name string) (ppp.AuthResponse, bool)
	// message is what a Success or Failure says.
	message(d ppp.AuthResult, challenge []byte) string

	// respond computes a Response's value, and what the Success has to prove.
	respond(id uint8, challenge, secret []byte, w witness) (value []byte, expect string, err error)
	// success reads what a Success says; it is not ok if that does not prove
	// what is expected.
	success(message []byte, expect string) (text string, ok bool)
	// failure reads what a Failure says.
	failure(message []byte) string
}

// witness is what a Response draws on besides challenge and secret.
type witness struct {
	name string
	rand io.Reader
}
