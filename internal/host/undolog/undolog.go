// Package undolog records in files what a program has set in the kernel, so that after a crash the
// next program can undo it. A record is void after the next boot, as the kernel's state is gone
// too.
package undolog

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"

	"upppoe/internal/atomicfile"
)

const (
	bootIDPath = "/proc/sys/kernel/random/boot_id"
	maxSize    = 1 << 20 // octets
)

// record is the content of a file.
type record struct {
	Boot string          `json:"boot"`
	Set  json.RawMessage `json:"set"`
}

// BootID returns the kernel's identifier of this boot.
func BootID() (string, error) {
	id, err := os.ReadFile(bootIDPath)
	return string(bytes.TrimSpace(id)), err
}

// Write writes a value to a file, in JSON, atomically.
func Write(path string, value any) error {
	all, err := encode(path, value)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, string(all), 0o600)
}

// Read reads a file's value. There is false if the file does not exist or is from another boot.
func Read(path string, value any) (there bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSize))
	if err != nil {
		return false, err
	}
	return decode(path, b, value)
}

// Remove removes a file, once everything has been undone.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
