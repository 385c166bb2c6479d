package pppd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxFile is the maximum size of an option file, in octets.
const maxFile = 1 << 20

// ReadFile reads a regular file of at most maxSize octets, and reports whether others than
// its owner have access to it (shared). It does not block, as opening a FIFO would. It removes a UTF-8
// byte order mark, which Windows editors write; UTF-16 is an error.
func ReadFile(path string, maxSize int64) (text string, shared bool, err error) {
	return readFile(path, maxSize, func(os.FileInfo) error { return nil })
}

// readFile is ReadFile with a check of the open file.
func readFile(path string, maxSize int64, check func(os.FileInfo) error) (text string, shared bool, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return "", false, err
	}
	if !stat.Mode().IsRegular() {
		return "", false, fmt.Errorf("%s is not a plain file", path)
	}
	if err := check(stat); err != nil {
		return "", false, fmt.Errorf("%s: %w", path, err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && int64(len(b)) > maxSize {
		err = fmt.Errorf("%s is longer than %d octets", path, maxSize)
	}
	shared = stat.Mode().Perm()&0o077 != 0
	if err != nil {
		return "", shared, err
	}
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return "", shared, fmt.Errorf("%s is a text in UTF-16: save it as UTF-8", path)
	}
	return string(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))), shared, nil
}

// errOtherOwner is the error of ownedByUs.
var errOtherOwner = errors.New("it is another user's")

// ownedByUs returns an error unless a file belongs to the effective user. HOME may be the home of the
// user who called sudo, and options name programs that would run as root.
func ownedByUs(stat os.FileInfo) error {
	if is, ok := stat.Sys().(*syscall.Stat_t); ok && int(is.Uid) != os.Geteuid() {
		return errOtherOwner
	}
	return nil
}
