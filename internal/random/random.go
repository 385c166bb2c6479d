// Package random draws on the source of randomness that a configuration names, or on crypto/rand.
package random

import (
	"crypto/rand"
	"io"
)

// Fill fills b from a source and returns it; nil: from crypto/rand. It panics if the source fails,
// as what it is for must not be foreseeable.
func Fill(from io.Reader, b []byte) []byte {
	if from == nil {
		from = rand.Reader
	}
	if _, err := io.ReadFull(from, b); err != nil {
		panic("no randomness: " + err.Error())
	}
	return b
}
