package chap

import (
	"crypto/subtle"
	"errors"
	"io"
	"strings"

	"upppoe/internal/random"
	"upppoe/ppp"
)

// ErrChallengeLength reports a challenge whose length is wrong for MS-CHAP (RFC 2433
// section 3, RFC 2759 section 3).
var ErrChallengeLength = errors.New("chap: challenge is not 8 octets (MS-CHAPv1) or 16 octets (MS-CHAPv2) long")

// MSv2Response is a peer's Response to a challenge by MS-CHAPv2 (RFC 2759 section 4):
// what RADIUS carries as MS-CHAP-Challenge and MS-CHAP2-Response
// (RFC 2548 section 2.3). It may be used concurrently.
type MSv2Response struct {
	ID            uint8
	Challenge     [16]byte // ours
	PeerChallenge [16]byte
	Response      [24]byte // NT-Response
	Flags         uint8
	Name          string // with the domain; untrusted: escape it before printing
}

var _ ppp.AuthResponse = MSv2Response{}

// User returns the name that the peer sent, domain included. It is untrusted.
func (r MSv2Response) User() string { return r.Name }

// Verify reports whether the response was made with the secret. It compares in constant
// time. The message is the authenticator response, which must be in
// ppp.AuthResult.Message: without it the peer does not accept a Success. An empty
// secret never verifies and takes as long as any other: for an unknown user, verify
// against nil.
func (r MSv2Response) Verify(secret []byte) (message string, ok bool) {
	hash := passwordHash(secret)
	challenge := challengeHash(r.PeerChallenge[:], r.Challenge[:], r.Name)
	want := ntResponse(hash, challenge)
	message = authenticatorResponse(hash, want, challenge)
	if subtle.ConstantTimeCompare(want, r.Response[:]) != 1 || len(secret) == 0 {
		return "", false
	}
	return message, true
}

type msv2 struct{}

func (msv2) newChallenge(rand io.Reader, key []byte) []byte {
	challenge := random.Fill(rand, make([]byte, msChallengeLen))
	ppp.MarkChallenge(key, challenge)
	return challenge
}

func (msv2) parseResponse(id uint8, challenge, value []byte, name string) (ppp.AuthResponse, bool) {
	if len(value) != msValueLen {
		return nil, false
	}
	r := MSv2Response{ID: id, Flags: value[msFlagsBegin], Name: name}
	copy(r.Challenge[:], challenge)
	copy(r.PeerChallenge[:], value)
	copy(r.Response[:], value[ntResponseBegin:])
	return r, true
}

func (msv2) replyMessage(result ppp.AuthResult, challenge []byte) string {
	if result.Accepted {
		return successMessage(result.Message)
	}
	f, err := ParseMSFailure([]byte(result.Message))
	if err != nil {
		f = MSFailure{Error: errAuthentication, Version: 3, Message: result.Message}
	}
	if f.Message == "" {
		f.Message = defaultFailure
	}
	f.Retry, f.Challenge = false, challenge // a second Response is not accepted, whatever the result says
	return string(f.AppendTo(nil))
}

// successMessage completes an authenticator response with a text for people. Without
// an authenticator response the message is sent unchanged: only one who knows the
// password can compute it.
func successMessage(message string) string {
	switch {
	case message == "":
		return "M=" + defaultSuccess
	case strings.HasPrefix(message, "S=") && !strings.Contains(message, " M="):
		return message + " M=" + defaultSuccess
	}
	return message
}

func (msv2) respond(_ uint8, challenge, secret []byte, r responder) ([]byte, string, error) {
	if len(challenge) != msChallengeLen {
		return nil, "", ErrChallengeLength
	}
	value := make([]byte, msValueLen) // reserved octets and flags are zero
	peer := random.Fill(r.rand, value[:msChallengeLen])
	hash := passwordHash(secret)
	combined := challengeHash(peer, challenge, r.name)
	copy(value[ntResponseBegin:], ntResponse(hash, combined))
	return value, authenticatorResponse(hash, value[ntResponseBegin:msFlagsBegin], combined), nil
}

// checkSuccess: RFC 2759 section 5, "S=" and 40 hexadecimal digits, optionally followed
// by " M=" and a text.
func (msv2) checkSuccess(message []byte, expected string) (string, bool) {
	if len(message) < len(expected) {
		return "", false
	}
	ok := subtle.ConstantTimeCompare(message[:len(expected)], []byte(expected)) == 1
	_, text, _ := strings.Cut(string(message[len(expected):]), "M=")
	return text, ok
}

func (msv2) failureText(message []byte) string {
	f, err := ParseMSFailure(message)
	if err != nil {
		return string(message)
	}
	return f.String()
}
