package reader

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// magic is the first octets of a file, which tell its format.
type magic [8]byte

func magicOf(head []byte) (m magic) {
	copy(m[:], head)
	return m
}

func (m magic) hasPrefix(octets ...byte) bool { return bytes.HasPrefix(m[:], octets) }

func (m magic) isGzip() bool   { return m.hasPrefix(0x1f, 0x8b) }
func (m magic) isPcapng() bool { return m.hasPrefix(0x0a, 0x0d, 0x0d, 0x0a) }

// isPcap reports whether the file is a pcap: of either byte order, with microseconds or nanoseconds.
func (m magic) isPcap() bool {
	return m.hasPrefix(0xd4, 0xc3, 0xb2, 0xa1) || m.hasPrefix(0xa1, 0xb2, 0xc3, 0xd4) ||
		m.hasPrefix(0x4d, 0x3c, 0xb2, 0xa1) || m.hasPrefix(0xa1, 0xb2, 0x3c, 0x4d)
}

// otherFormats are formats that cannot be read, by their first octets, with what to do.
var otherFormats = []struct{ head, name string }{
	{"\xfd7zXZ\x00", "it is compressed by xz: unpack it with xz -d"},
	{"\x28\xb5\x2f\xfd", "it is compressed by zstd: unpack it with zstd -d"},
	{"BZh", "it is compressed by bzip2: unpack it with bzip2 -d"},
	{"PK\x03\x04", "it is a ZIP archive: unpack it with unzip"},
	{"snoop\x00\x00\x00", "it is a snoop capture: convert it with editcap"},
	{"GMBU", "it is a Network Monitor capture: convert it with editcap"},
	{"RTSS", "it is a Network Monitor capture: convert it with editcap"},
	{"\x34\xcd\xb2\xa1", "it is a pcap of a changed format: convert it with editcap"},
	{"\xa1\xb2\xcd\x34", "it is a pcap of a changed format: convert it with editcap"},
}

// FormatError reports a file that is not a capture, or one of a format that cannot be read.
type FormatError struct{ head magic }

func (e *FormatError) Error() string {
	for _, other := range otherFormats {
		if e.head.hasPrefix([]byte(other.head)...) {
			return "not a pcap or pcapng file: " + other.name
		}
	}
	return fmt.Sprintf("not a pcap or pcapng file: it begins with the octets % x", e.head[:4])
}

// ErrEmpty reports a file of 0 octets, ErrGzip one whose compression is damaged.
var (
	ErrEmpty = errors.New("the file is empty: not even the header of a capture is in it")
	ErrGzip  = errors.New("the file begins like gzip, but is damaged")
)

// emptyGzip returns the error for compressed data whose first octet cannot be read.
func emptyGzip(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return ErrEmpty
	}
	return fmt.Errorf("%w: %w", ErrGzip, err)
}

// CutError reports a file that ends within a packet, or is damaged there.
type CutError struct {
	After int // how many packets were read before
	Err   error
}

func (e *CutError) Error() string {
	where := fmt.Sprintf("after packet %d", e.After)
	if e.After == 0 {
		where = "before the first packet"
	}
	if errors.Is(e.Err, io.ErrUnexpectedEOF) || errors.Is(e.Err, io.EOF) {
		return "the file is cut " + where
	}
	return fmt.Sprintf("the file is damaged %s: %v", where, e.Err)
}

func (e *CutError) Unwrap() error { return e.Err }
