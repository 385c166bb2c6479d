package pppd

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// maxFile bounds what is read of a file of options, in octets.
const maxFile = 1 << 20

// ReadFile reads a plain file of at most the given number of octets, and says
// whether others than its owner have access to it. It never waits, as opening a
// pipe would.
func ReadFile(path string, most int64) (text string, shared bool, err error) {
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
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s is longer than %d octets", path, most)
	}
	return string(b), stat.Mode().Perm()&0o077 != 0, err
}
