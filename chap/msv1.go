package chap

import (
	"io"
	"time"

	"upppoe/ppp"
)

// Lengths of MS-CHAPv1 (RFC 2433 sections 3 and 4), in octets: both responses are as long as
// MS-CHAPv2's.
const (
	msv1ChallengeLen = 8
	msv1NTBegin      = ntResponseLen // after the LAN Manager response
	msv1FlagsBegin   = msv1NTBegin + ntResponseLen
	msv1ValueLen     = msv1FlagsBegin + 1
)

// useNT is the flag that says that the NT response counts (RFC 2433 section 4).
const useNT = 1

// LANMAN is MS-CHAPv1 whose Responses hold the LAN Manager response in place of the NT one
// (pppd's ms-lanman), which is weaker still: RFC 2433 section 4 advises against it. It may be
// used concurrently.
var LANMAN ppp.Method = lanman{MSv1}

type lanman struct{ Algorithm }

// NewPeer begins to wait for challenges.
func (lanman) NewPeer(c ppp.Credentials) ppp.AuthExchange { return newAnswer(msv1{lanman: true}, c) }

// msv1 is MS-CHAPv1 (RFC 2433), on the peer's side alone.
type msv1 struct{ lanman bool }

func (m msv1) respond(_ uint8, challenge, secret []byte, _ witness) ([]byte, string, error) {
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

func (msv1) success(message []byte, _ string) (string, bool) { return string(message), true }

// failure: RFC 2433 section 5, in MS-CHAPv2's form.
func (msv1) failure(message []byte) string { return msv2{}.failure(message) }

// The authenticator's side: proofs of MS-CHAPv1 are not accepted.

func (msv1) challenge(io.Reader, []byte) []byte { return nil }

func (msv1) proof(uint8, []byte, []byte, string) (ppp.AuthResponse, bool) { return nil, false }

func (msv1) message(ppp.AuthResult, []byte) string { return denied }

// lanmanHash is LmPasswordHash (RFC 2433 section A.2): the password in capitals, of which 14
// octets count, as two keys for a constant.
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

// refusing is a demand that nobody can fulfil.
type refusing struct{ at time.Time }

var _ ppp.Authenticator = (*refusing)(nil)

// Protocol implements ppp.AuthExchange.
func (*refusing) Protocol() ppp.Protocol { return ppp.CHAP }

// Start implements ppp.AuthExchange.
func (r *refusing) Start(now time.Time, _ *ppp.Queue) { r.at = now }

// Receive implements ppp.AuthExchange.
func (*refusing) Receive(time.Time, ppp.Control, *ppp.Queue) (ppp.Step, error) {
	return ppp.Step{}, ppp.ErrStale
}

// Deadline implements ppp.AuthExchange.
func (r *refusing) Deadline() time.Time { return r.at }

// Advance implements ppp.AuthExchange.
func (r *refusing) Advance(now time.Time, _ *ppp.Queue) ppp.Step {
	if r.at.IsZero() || now.Before(r.at) {
		return ppp.Step{}
	}
	r.at = time.Time{}
	return ppp.Step{Outcome: ppp.Failed, Message: "proof by MS-CHAP version 1 is not accepted"}
}

// SetResult implements ppp.Authenticator.
func (*refusing) SetResult(time.Time, ppp.AuthResult, *ppp.Queue) ppp.Step { return ppp.Step{} }
