package chap

import (
	"crypto/md5"
	"crypto/subtle"
	"io"

	"upppoe/internal/random"
	"upppoe/ppp"
)

// Bounds of the length of our challenges, in octets. RFC 1994 section 2.3 requires
// them to be unpredictable; their length varies, as in pppd.
const (
	minChallenge = 16
	maxChallenge = 24
)

// NewChallenge returns a random challenge for MD5, of 16 to 24 octets, marked with the
// key (ppp.MarkChallenge). A nil reader stands for crypto/rand. It panics if the reader
// fails.
func NewChallenge(rand io.Reader, key []byte) []byte {
	var n [1]byte
	random.Fill(rand, n[:])
	challenge := random.Fill(rand, make([]byte, minChallenge+int(n[0])%(maxChallenge-minChallenge+1)))
	ppp.MarkChallenge(key, challenge)
	return challenge
}

// MD5Hash returns the value of a Response (RFC 1994 section 4.1): the hash of the
// Identifier, the secret and the challenge, in this order.
func MD5Hash(id uint8, secret, challenge []byte) []byte {
	h := md5.New()
	h.Write([]byte{id})
	h.Write(secret)
	h.Write(challenge)
	return h.Sum(nil)
}

// MD5Response is a peer's Response to a challenge, by CHAP with MD5 or by EAP
// MD5-Challenge: what RADIUS carries as CHAP-Password and CHAP-Challenge. It may be
// used concurrently.
type MD5Response struct {
	ID        uint8
	Challenge []byte
	Response  []byte // 16 octets
	Name      string // untrusted: escape it before printing
}

var _ ppp.AuthResponse = MD5Response{}

// User returns the name that the peer sent. It is untrusted.
func (r MD5Response) User() string { return r.Name }

// Verify reports whether the response was made with the secret; the message is empty.
// It compares in constant time. An empty secret never verifies (RFC 1994 section 2.3:
// at least one octet) and takes as long as any other: for an unknown user, verify
// against nil.
func (r MD5Response) Verify(secret []byte) (message string, ok bool) {
	want := MD5Hash(r.ID, secret, r.Challenge)
	same := subtle.ConstantTimeCompare(want, r.Response) == 1
	return "", same && len(secret) > 0
}

// Default messages of Success and Failure, in pppd's words.
const (
	defaultSuccess = "Access granted"
	defaultFailure = "Access denied"
)

type md5Scheme struct{}

func (md5Scheme) newChallenge(rand io.Reader, key []byte) []byte { return NewChallenge(rand, key) }

func (md5Scheme) parseResponse(id uint8, challenge, value []byte, name string) (ppp.AuthResponse, bool) {
	return MD5Response{ID: id, Challenge: challenge, Response: value, Name: name}, len(value) == md5.Size
}

func (md5Scheme) replyMessage(result ppp.AuthResult, _ []byte) string {
	switch {
	case result.Message != "":
		return result.Message
	case result.Accepted:
		return defaultSuccess
	}
	return defaultFailure
}

func (md5Scheme) respond(id uint8, challenge, secret []byte, _ responder) ([]byte, string, error) {
	return MD5Hash(id, secret, challenge), "", nil
}

func (md5Scheme) checkSuccess(message []byte, _ string) (string, bool) { return string(message), true }

func (md5Scheme) failureText(message []byte) string { return string(message) }
