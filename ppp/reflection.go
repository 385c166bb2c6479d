package ppp

import (
	"crypto/hmac"
	"crypto/sha256"
)

// A side that sends challenges and also answers them can be made to answer its own: the
// attacker authenticates it in one session with the challenge that it received in another,
// and sends back the response. Where one secret is used in both directions, which RFC 1994
// section 2.1 allows, the attacker logs in without the secret. Checking a single link is not
// enough (RFC 7143 section 9.2.1 has the same for iSCSI: no challenge of the other direction,
// and no secret for more than one peer). So
//
//   - a server authenticates itself only to a peer that is authenticated in this session,
//     and with the secret that it shares with this peer: session.Config.PeerAuthFirst;
//   - our challenges are marked, so that one from any session is recognized as ours and not
//     answered. This needs no memory of outstanding challenges, and no lock between sessions.

// markLen is the length of a mark, in octets: a foreign challenge has one by chance once in
// 2^48.
const markLen = 6

// MarkChallenge replaces the last octets of a challenge by a keyed hash of those before
// them. Without the key they cannot be told from random ones. An empty key changes nothing.
func MarkChallenge(key, challenge []byte) {
	if n := len(challenge) - markLen; n > 0 && len(key) > 0 {
		copy(challenge[n:], mark(key, challenge[:n]))
	}
}

// IsMarkedChallenge reports whether a challenge was marked with the key, in any session.
func IsMarkedChallenge(key, challenge []byte) bool {
	n := len(challenge) - markLen
	return n > 0 && len(key) > 0 && hmac.Equal(challenge[n:], mark(key, challenge[:n]))
}

func mark(key, random []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(random)
	return h.Sum(nil)[:markLen]
}
