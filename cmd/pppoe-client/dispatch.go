package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// isProgram reports whether a word is the name of a program that stands where this one
// does. A container's command is such a name: the image's own command (ENTRYPOINT), which
// is this program, gets it as its first word.
func isProgram(word string) bool {
	return aliases[word] != nil || word == "pppoe-client" || word == "pppoe-server" || word == "pppoe-discovery"
}

// execProgram replaces this process by another of the programs, and returns only if that
// fails. Where the links are missing, this program does what they would do.
func execProgram(args []string) int {
	self, err := os.Executable()
	if err != nil {
		return fail(err)
	}
	program := filepath.Join(filepath.Dir(self), args[0])
	err = unix.Exec(program, args, os.Environ())
	if as, ok := aliases[args[0]]; ok && errors.Is(err, fs.ErrNotExist) {
		return as(args[1:])
	}
	return fail(fmt.Errorf("run %s: %w", program, err))
}
