package dhcp6

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// DUID permanently identifies a client or a server (RFC 8415 section 11).
type DUID []byte

// Bounds of a DUID, type included (RFC 8415 section 11.1).
const (
	minDUID = 3
	maxDUID = 130
)

// typeUUID begins a DUID that holds a UUID (RFC 6355).
const typeUUID = 4

// ErrDUID reports text that is no DUID (wrapped).
var ErrDUID = errors.New("invalid DUID: write 3 to 130 octets in hexadecimal, like 00:03:00:01:02:00:5e:00:53:01")

// String returns the octets in hexadecimal, separated by colons.
func (d DUID) String() string {
	octets := make([]string, len(d))
	for i, b := range d {
		octets[i] = fmt.Sprintf("%02x", b)
	}
	return strings.Join(octets, ":")
}

// ParseDUID parses the output of String; colons are optional.
func ParseDUID(text string) (DUID, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(text), ":", ""))
	if err != nil || len(b) < minDUID || len(b) > maxDUID {
		return nil, ErrDUID
	}
	return b, nil
}

// NewDUID makes a DUID from a random UUID (RFC 6355). The error is that of random.
func NewDUID(random io.Reader) (DUID, error) {
	d := make(DUID, 2+16)
	d[1] = typeUUID
	if _, err := io.ReadFull(random, d[2:]); err != nil {
		return nil, fmt.Errorf("make a DUID: %w", err)
	}
	d[2+6] = d[2+6]&0x0f | 4<<4 // RFC 9562 section 5.4: version
	d[2+8] = d[2+8]&0x3f | 0x80 // and variant
	return d, nil
}

// LoadDUID reads a DUID from a file. If there is no such file, it creates one with a random DUID.
// The error names the file.
func LoadDUID(path string, random io.Reader) (DUID, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return createDUID(path, random)
	}
	if err != nil {
		return nil, fmt.Errorf("read the DUID: %w", err)
	}
	d, err := ParseDUID(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w, or remove the file", path, err)
	}
	return d, nil
}

// createDUID creates the file atomically. If several programs do so at once, the first one wins.
func createDUID(path string, random io.Reader) (DUID, error) {
	d, err := NewDUID(random)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (DUID, error) { return nil, fmt.Errorf("keep the DUID: %w", err) }
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fail(err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".duid-")
	if err != nil {
		return fail(err)
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintln(f, d)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return fail(err)
	}
	if err := os.Link(f.Name(), path); errors.Is(err, os.ErrExist) {
		return LoadDUID(path, random)
	} else if err != nil {
		return fail(err)
	}
	return d, nil
}
