package ppp

import (
	"crypto/hmac"
	"crypto/sha256"
)

// Whoever answers challenges and sends them as well can be made to answer its own: the attacker
// has it authenticate itself in one session by the challenge that it got in another, and sends
// back what it hears. Where one secret serves both directions, which RFC 1994 section 2.1 allows,
// that lets the attacker in without knowing it. Looking at one link alone is not enough (RFC 7143
// section 9.2.1 has the same for iSCSI: no challenge of the other direction, and no secret for
// more than one peer). So
//
//   - a server proves itself only to a peer that has proved itself in this session, and by the
//     secret that it shares with that very peer: session.Config.PeerAuthFirst;
//   - our challenges are marked, so that one that comes from any session is known as ours and not
//     answered. That takes no memory of those that are outstanding, and no lock between sessions.

// markLen is how long a mark is, in octets: another's challenge has one by chance once in 2^48.
const markLen = 6

// MarkChallenge makes the end of a challenge a code of what comes before it, under a key that nobody else
// has: to others it is as random as the rest. Without a key it changes nothing.
func MarkChallenge(key, challenge []byte) {
	if n := len(challenge) - markLen; n > 0 && len(key) > 0 {
		copy(challenge[n:], markOf(key, challenge[:n]))
	}
}

// IsMarkedChallenge reports whether a challenge has been marked under a key, in whatever session.
func IsMarkedChallenge(key, challenge []byte) bool {
	n := len(challenge) - markLen
	return n > 0 && len(key) > 0 && hmac.Equal(challenge[n:], markOf(key, challenge[:n]))
}

func markOf(key, random []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(random)
	return h.Sum(nil)[:markLen]
}
