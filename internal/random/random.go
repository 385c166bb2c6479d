// Package random reads random octets from a configured source, or from crypto/rand.
package random

import (
	"crypto/rand"
	"io"
)

// Fill fills b from a source and returns it; nil: from crypto/rand. It panics if the source fails:
// its results must be unpredictable.
func Fill(from io.Reader, b []byte) []byte {
	if from == nil {
		from = rand.Reader
	}
	if _, err := io.ReadFull(from, b); err != nil {
		panic("random source failed: " + err.Error())
	}
	return b
}
