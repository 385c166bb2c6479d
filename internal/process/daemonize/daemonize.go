// Package daemonize runs a program in the background. A Go program cannot fork, so it starts
// itself again, in a session of its own, and waits until that child reports that it is ready, or
// has failed. It also sets a process's name, and catches signals.
package daemonize

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// childEnv is the environment variable that marks the child. Its value is two descriptors: one by
// which it reports that it is ready, and a file with its arguments.
const childEnv = "UPPPOE_BACKGROUND"

// minFD is the lowest number for these descriptors: the caller may have opened lower ones for the
// program.
const minFD = 100

// readyFD and argsFD are these descriptors in the child. Programs that it starts must not inherit
// them: the parent waits until the pipe is closed.
var readyFD, argsFD = func() (pipe, handed int) {
	ready, args, _ := strings.Cut(os.Getenv(childEnv), ",")
	return parseFD(ready), parseFD(args)
}()

// parseFD returns -1 if a word is not such a descriptor.
func parseFD(word string) int {
	fd, err := strconv.Atoi(word)
	if err != nil || fd < 3 { // -1: the parent was told before
		return -1
	}
	unix.CloseOnExec(fd)
	return fd
}

// IsChild reports whether this process is the child.
func IsChild() bool { return os.Getenv(childEnv) != "" }

// Launch starts the child, which gets args by Args, and waits until it is ready or has ended.
// Lists of processes show os.Args as they are now. This process should exit with code: 0, or the
// child's own.
func Launch(args []string) (code int, err error) {
	program, err := os.Executable()
	if err != nil {
		return 1, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return 1, err
	}
	defer r.Close()
	defer w.Close()
	ready, err := unix.FcntlInt(w.Fd(), unix.F_DUPFD, minFD)
	if err != nil {
		return 1, fmt.Errorf("go to the background: %w", err)
	}
	defer func() { unix.Close(ready) }()
	file, err := writeArgs(args)
	if err != nil {
		return 1, err
	}
	defer file.Close()
	given, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD, minFD)
	if err != nil {
		return 1, fmt.Errorf("go to the background: %w", err)
	}
	defer unix.Close(given)
	child := exec.Command(program, os.Args[1:]...)
	child.Args[0] = os.Args[0]
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%d,%d", childEnv, ready, given))
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	// Before the child is started: a signal may come at once.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGQUIT, unix.SIGHUP)
	defer signal.Stop(signals)
	err = child.Start()
	unix.Close(ready)
	ready = -1
	w.Close()
	if err != nil {
		return 1, err
	}
	defer forwardSignals(signals, child.Process)()
	if n, _ := io.ReadFull(r, make([]byte, 1)); n == 1 {
		return 0, nil
	}
	return exitCode(child.Wait())
}

func exitCode(err error) (int, error) {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		if code := exit.ExitCode(); code >= 0 {
			return code, nil
		}
		return 1, err
	}
	return 0, err
}

// Ready detaches the child from its terminal, and reports to the parent that it is ready. In
// another process it does nothing.
func Ready() {
	if !IsChild() {
		return
	}
	if null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0); err == nil {
		for fd := range 3 {
			unix.Dup3(int(null.Fd()), fd, 0)
		}
		null.Close()
	}
	unix.Write(readyFD, []byte{1})
	unix.Close(readyFD)
	os.Unsetenv(childEnv)
	os.Chdir("/")
}
