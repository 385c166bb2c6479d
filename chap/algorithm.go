package chap

import (
	"io"

	"upppoe/ppp"
)

// Algorithm is a CHAP algorithm, by its number in LCP's Authentication-Protocol
// option (RFC 1994 section 3). It implements ppp.Method. It may be used concurrently.
type Algorithm uint8

// The algorithms. Others are not implemented.
const (
	MD5  Algorithm = 0x05 // RFC 1994
	MSv1 Algorithm = 0x80 // MS-CHAPv1, RFC 2433: peer role only, because it is broken
	MSv2 Algorithm = 0x81 // MS-CHAPv2, RFC 2759
)

var _ ppp.Method = MD5

// Name returns "CHAP", as pppd's log calls all of them.
func (a Algorithm) Name() string { return "CHAP" }

// String returns the algorithm's name as pppd prints it.
func (a Algorithm) String() string {
	switch a {
	case MSv1:
		return "MS"
	case MSv2:
		return "MS-v2"
	}
	return "MD5"
}

// Option returns the value of LCP's Authentication-Protocol option.
func (a Algorithm) Option() []byte {
	return []byte{byte(ppp.CHAP >> 8), byte(ppp.CHAP & 0xff), byte(a)}
}

// NewAuthenticator begins an exchange as the authenticator. No timer runs while a
// Response waits for its AuthResult: the owner must bound the wait. With MSv1 every
// peer is rejected.
func (a Algorithm) NewAuthenticator(cfg ppp.AuthenticatorConfig) ppp.Authenticator {
	if a == MSv1 {
		return &rejectingAuthenticator{}
	}
	return newAuthenticator(a, cfg)
}

// NewPeer begins an exchange as the peer, which waits for Challenges.
func (a Algorithm) NewPeer(c ppp.Credentials) ppp.AuthExchange { return newPeer(a.scheme(), c) }

func (a Algorithm) scheme() scheme {
	switch a {
	case MSv1:
		return msv1{}
	case MSv2:
		return msv2{}
	}
	return md5Scheme{}
}

// scheme is what differs between the algorithms: the contents of packets. Sending
// and repeating them is the same for all.
type scheme interface {
	// newChallenge draws a challenge and marks it (ppp.MarkChallenge).
	newChallenge(rand io.Reader, key []byte) []byte
	// parseResponse parses the value of a Response; false: its length is wrong.
	parseResponse(id uint8, challenge, value []byte, name string) (ppp.AuthResponse, bool)
	// replyMessage returns the Message of a Success or Failure.
	replyMessage(result ppp.AuthResult, challenge []byte) string

	// respond returns the value of a Response, and what the Success must contain.
	respond(id uint8, challenge, secret []byte, r responder) (value []byte, expected string, err error)
	// checkSuccess returns the text of a Success; false: the Success lacks what is
	// expected.
	checkSuccess(message []byte, expected string) (text string, ok bool)
	// failureText returns the text of a Failure.
	failureText(message []byte) string
}

// responder is what a Response is made of besides challenge and secret.
type responder struct {
	name string
	rand io.Reader
}
