package daemonize

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Args returns the program's arguments, cloned: those of os.Args, or in the child those passed to
// Launch, which lists of processes do not show. It must be called once.
func Args() []string {
	if argsFD >= 0 {
		f := os.NewFile(uintptr(argsFD), "arguments")
		defer f.Close()
		if text, err := io.ReadAll(io.NewSectionReader(f, 0, maxArgs)); err == nil {
			words := strings.Split(string(text), "\x00")
			return words[:len(words)-1]
		}
	}
	args := make([]string, 0, len(os.Args))
	for _, a := range os.Args[1:] {
		args = append(args, strings.Clone(a))
	}
	return args
}

// maxArgs limits the arguments, in octets, as the kernel does (execve(2)).
const maxArgs = 6 << 20

// writeArgs writes arguments to a file in memory. They must not contain NUL.
func writeArgs(args []string) (*os.File, error) {
	fd, err := unix.MemfdCreate("arguments", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("go to the background: %w", err)
	}
	f := os.NewFile(uintptr(fd), "arguments")
	if _, err := f.WriteString(strings.Join(append(slices.Clone(args), ""), "\x00")); err != nil {
		f.Close()
		return nil, fmt.Errorf("go to the background: %w", err)
	}
	return f, nil
}
