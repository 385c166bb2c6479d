package netif

import (
	crand "crypto/rand"
	"math/rand/v2"
)

// NewRand returns an unpredictable source: only the transaction ID prevents others from answering
// in a server's place. It is not safe for concurrent use.
func NewRand() *rand.Rand {
	var seed [32]byte
	crand.Read(seed[:]) // never fails
	return rand.New(rand.NewChaCha8(seed))
}
