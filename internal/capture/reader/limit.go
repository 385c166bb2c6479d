package reader

import (
	"errors"
	"io"
)

// Bounds of what package pcapgo keeps of a pcapng file: a table of interfaces and one of names, which each
// section may fill anew, and all that is between two packets.
const (
	maxInterfaces = 1 << 16
	maxNames      = 1 << 16
	maxBetween    = 8 << 20 // octets
)

// Errors of a file that would fill the memory.
var (
	ErrTables  = errors.New("the file has too many interfaces or names")
	ErrBetween = errors.New("no packet within 8 MiB of the file")
)

// limitedReader bounds how much is read from one packet to the next.
type limitedReader struct {
	from io.Reader
	read int // since reset
}

func (l *limitedReader) reset() { l.read = 0 }

func (l *limitedReader) Read(b []byte) (int, error) {
	if l.read > maxBetween {
		return 0, ErrBetween
	}
	n, err := l.from.Read(b)
	l.read += n
	return n, err
}
