package pppd

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// maxFile is the maximum size of an option file, in octets.
const maxFile = 1 << 20

// ReadFile reads a regular file of at most maxSize octets, and reports whether its permissions give
// access to users other than its owner. It does not block, as opening a FIFO would. It removes a
// UTF-8 byte order mark, which Windows editors write; UTF-16 is an error.
func ReadFile(path string, maxSize int64) (text string, openToOthers bool, err error) {
	return readFile(path, maxSize, func(os.FileInfo) error { return nil })
}

// readFile is ReadFile with a check of the open file.
func readFile(path string, maxSize int64, check func(os.FileInfo) error) (text string, openToOthers bool, err error) {
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
	openToOthers = isOpenToOthers(stat.Mode())
	if err != nil {
		return "", openToOthers, err
	}
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return "", openToOthers, fmt.Errorf("%s is a text in UTF-16: save it as UTF-8", path)
	}
	return string(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))), openToOthers, nil
}
