package chap

import (
	"io"
	"time"

	"upppoe/ppp"
)

// Lengths of MS-CHAPv1 (RFC 2433 sections 3 and 4), in octets: both responses are as
// long as that of MS-CHAPv2.
const (
	msv1ChallengeLen = 8
	msv1NTBegin      = ntResponseLen // after the LAN Manager response
	msv1FlagsBegin   = msv1NTBegin + ntResponseLen
	msv1ValueLen     = msv1FlagsBegin + 1
)

// useNT is the flag that selects the NT response (RFC 2433 section 4).
const useNT = 1

// LANMAN is MS-CHAPv1 whose Responses hold the LAN Manager response in place of the NT one
// (pppd's ms-lanman), which is weaker still: RFC 2433 section 4 advises against it. It may be
// used concurrently.
var LANMAN ppp.Method = lanman{MSv1}

type lanman struct{ Algorithm }

// NewPeer begins an exchange as the peer, which waits for Challenges.
func (lanman) NewPeer(c ppp.Credentials) ppp.AuthExchange { return newPeer(msv1{lanman: true}, c) }

// msv1 is MS-CHAPv1 (RFC 2433), for the peer alone.
type msv1 struct{ lanman bool }

func (m msv1) respond(_ uint8, challenge, secret []byte, _ responder) ([]byte, string, error) {
	if len(challenge) != msv1ChallengeLen {
		return nil, "", ErrChallengeLength
	}
	value := make([]byte, msv1ValueLen)
	if m.lanman {
		copy(value, ntResponse(lanmanHash(secret), challenge))
		return value, "", nil
	}
	copy(value[msv1NTBegin:], ntResponse(passwordHash(secret), challenge))
	value[msv1FlagsBegin] = useNT
	return value, "", nil
}

func (msv1) checkSuccess(message []byte, _ string) (string, bool) { return string(message), true }

// failureText: RFC 2433 section 5, the same format as MS-CHAPv2.
func (msv1) failureText(message []byte) string { return msv2{}.failureText(message) }

// The authenticator's side: Responses by MS-CHAPv1 are not accepted.

func (msv1) newChallenge(io.Reader, []byte) []byte { return nil }

func (msv1) parseResponse(uint8, []byte, []byte, string) (ppp.AuthResponse, bool) { return nil, false }

func (msv1) replyMessage(ppp.AuthResult, []byte) string { return defaultFailure }

// lanmanHash is LmPasswordHash (RFC 2433 section A.2): a constant encrypted under two
// keys, which are the first 14 octets of the password in capitals.
func lanmanHash(password []byte) []byte {
	var keys [14]byte
	for i, c := range password[:min(len(password), len(keys))] {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		keys[i] = c
	}
	hash := make([]byte, 16)
	for i := range 2 {
		encrypt(hash[8*i:], []byte("KGS!@#$%"), keys[7*i:7*i+7])
	}
	return hash
}

// rejectingAuthenticator rejects every peer, at once.
type rejectingAuthenticator struct{ deadline time.Time }

var _ ppp.Authenticator = (*rejectingAuthenticator)(nil)

// Protocol implements ppp.AuthExchange.
func (*rejectingAuthenticator) Protocol() ppp.Protocol { return ppp.CHAP }

// Start implements ppp.AuthExchange.
func (a *rejectingAuthenticator) Start(now time.Time, _ *ppp.Queue) { a.deadline = now }

// Receive implements ppp.AuthExchange.
func (*rejectingAuthenticator) Receive(time.Time, ppp.Control, *ppp.Queue) (ppp.Step, error) {
	return ppp.Step{}, ppp.ErrStale
}

// Deadline implements ppp.AuthExchange.
func (a *rejectingAuthenticator) Deadline() time.Time { return a.deadline }

// Advance implements ppp.AuthExchange.
func (a *rejectingAuthenticator) Advance(now time.Time, _ *ppp.Queue) ppp.Step {
	if a.deadline.IsZero() || now.Before(a.deadline) {
		return ppp.Step{}
	}
	a.deadline = time.Time{}
	return ppp.Step{Outcome: ppp.Failed, Message: "MS-CHAPv1 is not accepted: use CHAP-MD5 or MS-CHAPv2"}
}

// SetResult implements ppp.Authenticator.
func (*rejectingAuthenticator) SetResult(time.Time, ppp.AuthResult, *ppp.Queue) ppp.Step {
	return ppp.Step{}
}
