package daemonize

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// background reports whether the process was started as the child.
var background = IsChild()

// Again replaces the program by a new start of it with args, in the same process: in the background if it
// is there. It returns only if that is impossible.
func Again(args []string) error {
	file, err := writeArgs(args)
	if err != nil {
		return err
	}
	given, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD, minFD)
	if err != nil {
		return fmt.Errorf("start again: %w", err)
	}
	env := os.Environ()
	argv := append(os.Args[:1:1], args...)
	if background {
		env, argv = append(env, fmt.Sprintf("%s=-1,%d", childEnv, given)), os.Args
	}
	return fmt.Errorf("start again: %w", unix.Exec("/proc/self/exe", argv, env))
}
