package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// isProgram reports whether a word is the name of a program that is installed beside this one. A
// container's command may be such a name: the image's ENTRYPOINT, which is this program, gets it as its
// first argument.
func isProgram(word string) bool {
	return aliases[word] != nil || word == "pppoe-client" || word == "pppoe-server" || word == "pppoe-discovery"
}

// execProgram replaces this process with another of the programs, and returns only if that fails. If the
// link of an alias is missing, this program works like the alias.
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
