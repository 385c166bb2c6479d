// Package undolog keeps in files what a program has set in the kernel and means to take
// back, so that after a crash the next program can. A file says nothing after the next boot, as
// the kernel has forgotten it too.
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

// record is a file's.
type record struct {
	Boot string          `json:"boot"`
	Set  json.RawMessage `json:"set"`
}

// BootID is by what the kernel tells this boot from others.
func BootID() (string, error) {
	id, err := os.ReadFile(bootIDPath)
	return string(bytes.TrimSpace(id)), err
}

// Write has a file hold a value, in JSON. It is replaced whole or not at all.
func Write(path string, value any) error {
	all, err := encode(path, value)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, string(all), 0o600)
}

// Read reads a file's value. It says no if there is none, or it is of another boot.
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

// Remove removes a file: everything has been taken back.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
