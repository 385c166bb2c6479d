package ppp

import (
	"bytes"
	"testing"
)

// TestMarkChallenge: a marked challenge of any length is recognized with its key only, and keeps its
// random octets.
func TestMarkChallenge(t *testing.T) {
	key, other := []byte("key"), []byte("other")
	for n := range 33 {
		random := bytes.Repeat([]byte{0xa5}, n)
		challenge := bytes.Clone(random)
		MarkChallenge(key, challenge)
		long := n > 6
		if IsMarkedChallenge(key, challenge) != long || IsMarkedChallenge(other, challenge) || IsMarkedChallenge(nil, challenge) || IsMarkedChallenge(key, random) {
			t.Errorf("%d octets: marked %v, under another key %v, unmarked %v", n, IsMarkedChallenge(key, challenge), IsMarkedChallenge(other, challenge), IsMarkedChallenge(key, random))
		}
		if long && !bytes.Equal(challenge[:n-6], random[:n-6]) || !long && !bytes.Equal(challenge, random) {
			t.Errorf("%d octets: %x became %x", n, random, challenge)
		}
		for i := range challenge {
			challenge[i] ^= 1
			if IsMarkedChallenge(key, challenge) {
				t.Errorf("%d octets: recognized though octet %d was changed", n, i)
			}
			challenge[i] ^= 1
		}
		MarkChallenge(nil, random)
		if !bytes.Equal(random, bytes.Repeat([]byte{0xa5}, n)) {
			t.Errorf("%d octets: changed without a key", n)
		}
	}
}
