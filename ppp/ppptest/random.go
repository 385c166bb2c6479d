package ppptest

import "io"

// Random returns a source of octets that count up from the first one, so that transcripts
// are the same in each run. It never fails.
func Random(first byte) io.Reader { return &counter{first} }

type counter struct{ next byte }

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = c.next
		c.next++
	}
	return len(b), nil
}
