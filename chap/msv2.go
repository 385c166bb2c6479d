package chap

import (
	"crypto/subtle"
	"errors"
	"io"
	"strings"

	"upppoe/internal/random"
	"upppoe/ppp"
)

// ErrChallengeLength says that a challenge has not the length that MS-CHAP wants (RFC 2433 section 3,
// RFC 2759 section 3).
var ErrChallengeLength = errors.New("chap: challenge is not of 8 octets (MS-CHAPv1) or 16 (MS-CHAPv2)")

// MSv2Response is what a peer answered to a challenge by MS-CHAPv2 (RFC 2759
// section 4): what RADIUS passes on as MS-CHAP-Challenge and MS-CHAP2-Response
// (RFC 2548 section 2.3). It may be used concurrently.
type MSv2Response struct {
	ID            uint8
	Challenge     [16]byte // ours
	PeerChallenge [16]byte
	Response      [24]byte // NT-Response
	Flags         uint8
	Name          string // as it came, with the domain: escape it before printing
}

var _ ppp.AuthResponse = MSv2Response{}

// User is the name that the peer gave, domain included.
func (p MSv2Response) User() string { return p.Name }

// Verify compares the response with the one that the secret gives, in constant
// time. The message is the authenticator response, which Decision.Message must
// hold, or the peer will not believe a Success. An empty secret never verifies
// and costs as much as another: verify against nil where the user is unknown.
func (p MSv2Response) Verify(secret []byte) (message string, ok bool) {
	hash := passwordHash(secret)
	challenge := challengeHash(p.PeerChallenge[:], p.Challenge[:], p.Name)
	want := ntResponse(hash, challenge)
	message = authenticatorResponse(hash, want, challenge)
	if subtle.ConstantTimeCompare(want, p.Response[:]) != 1 || len(secret) == 0 {
		return "", false
	}
	return message, true
}

type msv2 struct{}

func (msv2) challenge(rand io.Reader, key []byte) []byte {
	challenge := random.Fill(rand, make([]byte, msChallengeLen))
	ppp.MarkChallenge(key, challenge)
	return challenge
}

func (msv2) proof(id uint8, challenge, value []byte, name string) (ppp.AuthResponse, bool) {
	if len(value) != msValueLen {
		return nil, false
	}
	p := MSv2Response{ID: id, Flags: value[msFlagsBegin], Name: name}
	copy(p.Challenge[:], challenge)
	copy(p.PeerChallenge[:], value)
	copy(p.Response[:], value[ntResponseBegin:])
	return p, true
}

func (msv2) message(d ppp.AuthResult, challenge []byte) string {
	if d.Accepted {
		return msGranted(d.Message)
	}
	f, err := ParseMSFailure([]byte(d.Message))
	if err != nil {
		f = MSFailure{Error: errAuthentication, Version: 3, Message: d.Message}
	}
	if f.Message == "" {
		f.Message = denied
	}
	f.Retry, f.Challenge = false, challenge // whoever judges: we take no second try
	return string(f.AppendTo(nil))
}

// msGranted completes an authenticator response with words for people. Without
// one the message goes as it is: only who knows the password can help.
func msGranted(message string) string {
	switch {
	case message == "":
		return "M=" + granted
	case strings.HasPrefix(message, "S=") && !strings.Contains(message, " M="):
		return message + " M=" + granted
	}
	return message
}

func (msv2) respond(_ uint8, challenge, secret []byte, w witness) ([]byte, string, error) {
	if len(challenge) != msChallengeLen {
		return nil, "", ErrChallengeLength
	}
	value := make([]byte, msValueLen) // reserved octets and flags are zero
	peer := random.Fill(w.rand, value[:msChallengeLen])
	hash := passwordHash(secret)
	both := challengeHash(peer, challenge, w.name)
	copy(value[ntResponseBegin:], ntResponse(hash, both))
	return value, authenticatorResponse(hash, value[ntResponseBegin:msFlagsBegin], both), nil
}

// success: RFC 2759 section 5, "S=" and 40 hexadecimal digits, then perhaps
// " M=" and words.
func (msv2) success(message []byte, expect string) (string, bool) {
	if len(message) < len(expect) {
		return "", false
	}
	ok := subtle.ConstantTimeCompare(message[:len(expect)], []byte(expect)) == 1
	_, text, _ := strings.Cut(string(message[len(expect):]), "M=")
	return text, ok
}

func (msv2) failure(message []byte) string {
	f, err := ParseMSFailure(message)
	if err != nil {
		return string(message)
	}
	return f.String()
}
