package ppptest

import "io"

// Random is randomness that is none: octets that count on from a first one, so that
// transcripts come out the same each time. It never fails.
func Random(first byte) io.Reader { return &counter{first} }

type counter struct{ next byte }

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = c.next
		c.next++
	}
	return len(b), nil
}
