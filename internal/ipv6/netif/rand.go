package netif

import (
	crand "crypto/rand"
	"math/rand/v2"
)

// NewRand makes a source that cannot be foretold: a transaction's identifier is all that
// keeps others from answering in a server's place. It is not safe for concurrent use.
func NewRand() *rand.Rand {
	var seed [32]byte
	crand.Read(seed[:]) // never fails
	return rand.New(rand.NewChaCha8(seed))
}
