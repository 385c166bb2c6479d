package undolog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"upppoe/internal/lockfile"
)

// LockedFile is a file like those of Write and Read that is locked: one program has it at a time,
// until Close or the end of the program, however it ends. It must not be used concurrently.
type LockedFile struct {
	file *os.File
	path string
}

// OpenLocked opens and locks a file, and creates it and its directory if necessary; nil: another
// program has it.
func OpenLocked(path string) (*LockedFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return openAndLock(path, os.O_CREATE)
}

// OpenExistingLocked is OpenLocked for an existing file; nil: it does not exist, or another
// program has it.
func OpenExistingLocked(path string) (*LockedFile, error) {
	h, err := openAndLock(path, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return h, err
}

// openAndLock returns nil if another program has the file.
func openAndLock(path string, flags int) (*LockedFile, error) {
	file, err := lockfile.Open(path, os.O_RDWR|flags)
	if errors.Is(err, lockfile.ErrLocked) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &LockedFile{file, path}, nil
}

// Read reads the file's value. There is false if it is empty or from another boot.
func (h *LockedFile) Read(value any) (there bool, err error) {
	b, err := io.ReadAll(io.NewSectionReader(h.file, 0, maxSize))
	if err != nil || len(b) == 0 {
		return false, err
	}
	return decode(h.path, b, value)
}

// Write writes a value to the file, in JSON.
func (h *LockedFile) Write(value any) error {
	b, err := encode(h.path, value)
	if err != nil {
		return err
	}
	if err := h.file.Truncate(0); err != nil {
		return err
	}
	_, err = h.file.WriteAt(b, 0)
	return err
}

// Remove removes and closes the file, once everything has been undone.
func (h *LockedFile) Remove() error { return errors.Join(os.Remove(h.path), h.Close()) }

// Close unlocks and closes the file, which stays.
func (h *LockedFile) Close() error { return h.file.Close() }

func encode(path string, value any) ([]byte, error) {
	set, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	id, err := BootID()
	if err != nil {
		return nil, err
	}
	all, err := json.Marshal(record{id, set})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return append(all, '\n'), nil
}

func decode(path string, b []byte, value any) (there bool, err error) {
	id, err := BootID()
	if err != nil {
		return false, err
	}
	var is record
	if err := json.Unmarshal(b, &is); err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	if is.Boot != id {
		return false, nil
	}
	if err := json.Unmarshal(is.Set, value); err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	return true, nil
}
