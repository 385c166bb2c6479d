// Package rotatelog keeps the last lines of a program's log in a file, so that they can be read
// after the program has ended or failed. A full file is rotated, and the one rotated before is
// removed: so a log takes at most twice MaxSize.
package rotatelog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// MaxSize limits a file, in octets. Usually it is in memory, in /run.
const MaxSize = 128 << 10

const (
	suffix        = ".log"
	rotatedSuffix = ".1" // of the rotated file
)

// File is an open log. It is an io.Writer of whole lines. It must not be used concurrently.
type File struct {
	path string
	file *os.File
	size int64
}

// pathOf returns the file of a name, which may contain slashes, as those of interfaces and peers
// do.
func pathOf(dir, name string) string {
	name = strings.ReplaceAll(name, "/", "_")
	if strings.HasPrefix(name, ".") {
		name = "_" + name[1:]
	}
	return filepath.Join(dir, name+suffix)
}

// Open opens the log of a name in a directory, which it creates if necessary, for its user alone.
// Existing lines stay, and a line marks the beginning of this run.
func Open(dir, name, program string) (*File, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil { // shared with others
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	f := &File{path: pathOf(dir, name)}
	if err := f.open(); err != nil {
		return nil, err
	}
	_, err := fmt.Fprintf(f, "-- %s: %s[%d] begins\n", time.Now().Format(time.DateTime), program, os.Getpid())
	return f, err
}

func (f *File) open() error {
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return err
	}
	f.file, f.size = file, info.Size()
	return nil
}

// Write appends lines, after rotating the file if they do not fit.
func (f *File) Write(lines []byte) (int, error) {
	if f.size > 0 && f.size+int64(len(lines)) > MaxSize {
		f.file.Close()
		if err := errors.Join(os.Rename(f.path, f.path+rotatedSuffix), f.open()); err != nil {
			return 0, err
		}
	}
	n, err := f.file.Write(lines)
	f.size += int64(n)
	return n, err
}

// Close closes the file, which stays.
func (f *File) Close() error { return f.file.Close() }

// Names returns the names of the logs in a directory, the last written one at the end; none if the
// directory does not exist.
func Names(dir string) (names []string) {
	paths, _ := filepath.Glob(filepath.Join(dir, "*"+suffix)) // the pattern is valid
	slices.SortStableFunc(paths, func(a, b string) int { return modified(a).Compare(modified(b)) })
	for _, path := range paths {
		names = append(names, strings.TrimSuffix(filepath.Base(path), suffix))
	}
	return names
}

func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Read returns the last lines of a name's log; below 0: all. The error is fs.ErrNotExist if there
// is none.
func Read(dir, name string, lines int) ([]byte, error) {
	path := pathOf(dir, name)
	before, err := os.ReadFile(path + rotatedSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	now, err := os.ReadFile(path)
	if err != nil && !(errors.Is(err, fs.ErrNotExist) && len(before) > 0) {
		return nil, err
	}
	return Tail(append(before, now...), lines), nil
}

// Tail returns the last lines of a text; below 0: all.
func Tail(text []byte, lines int) []byte {
	all := bytes.SplitAfter(text, []byte("\n"))
	if len(all) > 0 && len(all[len(all)-1]) == 0 {
		all = all[:len(all)-1]
	}
	if lines < 0 || lines >= len(all) {
		return text
	}
	return bytes.Join(all[len(all)-lines:], nil)
}
