// Package rotatelog keeps the end of a program's log in a file, so that it can be read after the
// program has ended or failed. A file that has grown is put aside, and the one that was there
// before goes: so it takes no more than twice MaxSize.
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

// MaxSize bounds a file, in octets. It lies in memory, where /run does.
const MaxSize = 128 << 10

const (
	suffix        = ".log"
	rotatedSuffix = ".1" // of the file that was put aside
)

// File is a log that is kept. It is an io.Writer of whole lines. It must not be used concurrently.
type File struct {
	path string
	file *os.File
	size int64
}

// pathOf is a name's file: names may have slashes, as those of interfaces and peers.
func pathOf(dir, name string) string {
	name = strings.ReplaceAll(name, "/", "_")
	if strings.HasPrefix(name, ".") {
		name = "_" + name[1:]
	}
	return filepath.Join(dir, name+suffix)
}

// Open opens the log of a name in a directory, which it makes if it must, for its user alone.
// What is there stays, and a line reports that another run begins.
func Open(dir, name, program string) (*File, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil { // which others use, too
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

// Write appends lines, and puts the file aside if they do not fit into it.
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

// Names are those of the logs that are kept in a directory, the one that was written last at the
// end. Without a directory there are none.
func Names(dir string) (names []string) {
	paths, _ := filepath.Glob(filepath.Join(dir, "*"+suffix)) // a pattern that is well-formed
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

// Read is what is kept of a name, and of that the last lines; below 0: all. The error is
// fs.ErrNotExist if there is nothing.
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

// Tail are the last lines of a text; below 0: all.
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
