package chap

import (
	"crypto/md5"
	"crypto/subtle"
	"io"

	"upppoe/internal/random"
	"upppoe/ppp"
)

// Bounds of the challenges that we send, in octets. RFC 1994 section 2.3 wants
// them unpredictable; their length varies, as that of pppd's does.
const (
	minChallenge = 16
	maxChallenge = 24
)

// NewChallenge draws a challenge for MD5, of 16 to 24 octets, marked by a key (ppp.MarkChallenge); rand nil:
// from crypto/rand. It panics if the reader fails.
func NewChallenge(rand io.Reader, key []byte) []byte {
	var n [1]byte
	random.Fill(rand, n[:])
	challenge := random.Fill(rand, make([]byte, minChallenge+int(n[0])%(maxChallenge-minChallenge+1)))
	ppp.MarkChallenge(key, challenge)
	return challenge
}

// MD5Hash is the value of a Response (RFC 1994 section 4.1): the hash of the
// Identifier, the secret and the challenge, one after the other.
func MD5Hash(id uint8, secret, challenge []byte) []byte {
	h := md5.New()
	h.Write([]byte{id})
	h.Write(secret)
	h.Write(challenge)
	return h.Sum(nil)
}

// MD5Response is what a peer answered to a challenge, by CHAP with MD5 or by EAP's
// MD5-Challenge: what RADIUS passes on as CHAP-Password and CHAP-Challenge. It
// may be used concurrently.
type MD5Response struct {
	ID        uint8
	Challenge []byte
	Response  []byte // 16 octets
	Name      string // as it came: not fit for a terminal
}

var _ ppp.AuthResponse = MD5Response{}

// User is the name that the peer gave.
func (p MD5Response) User() string { return p.Name }

// Verify compares the response with the one that the secret gives, in constant
// time; there is no message. An empty secret never verifies (RFC 1994 section
// 2.3: at least one octet) and costs as much as another: verify against nil
// where the user is unknown.
func (p MD5Response) Verify(secret []byte) (message string, ok bool) {
	want := MD5Hash(p.ID, secret, p.Challenge)
	same := subtle.ConstantTimeCompare(want, p.Response) == 1
	return "", same && len(secret) > 0
}

// Default messages of the verdict, in pppd's words.
const (
	granted = "Access granted"
	denied  = "Access denied"
)

type md5Scheme struct{}

func (md5Scheme) challenge(rand io.Reader, key []byte) []byte { return NewChallenge(rand, key) }

func (md5Scheme) proof(id uint8, challenge, value []byte, name string) (ppp.AuthResponse, bool) {
	return MD5Response{ID: id, Challenge: challenge, Response: value, Name: name}, len(value) == md5.Size
}

func (md5Scheme) message(d ppp.AuthResult, _ []byte) string {
	switch {
	case d.Message != "":
		return d.Message
	case d.Accepted:
		return granted
	}
	return denied
}

func (md5Scheme) respond(id uint8, challenge, secret []byte, _ witness) ([]byte, string, error) {
	return MD5Hash(id, secret, challenge), "", nil
}

func (md5Scheme) success(message []byte, _ string) (string, bool) { return string(message), true }

func (md5Scheme) failure(message []byte) string { return string(message) }
