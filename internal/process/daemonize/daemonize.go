// Package daemonize lets a program go on behind a terminal's back. A Go program
// cannot fork, so it starts itself once more, in a session of its own, and stays
// until that copy says that it is ready, or has failed.
package daemonize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// childEnv is the environment variable that tells the copy what it is. Its value is the
// descriptor on which it says that it is ready, and that of a file with its arguments.
const childEnv = "UPPPOE_BACKGROUND"

// minFD is where these descriptors are looked for: those before are whatever the caller has
// opened for the program.
const minFD = 100

// readyFD and handed are these descriptors in the copy. Programs that the copy starts must not have
// them: whoever waits at the other end of the pipe would wait for them.
var readyFD, argsFD = func() (pipe, handed int) {
	ready, args, _ := strings.Cut(os.Getenv(childEnv), ",")
	return parseFD(ready), parseFD(args)
}()

// parseFD is -1 if a word is none.
func parseFD(word string) int {
	fd, err := strconv.Atoi(word)
	if err != nil || fd < 3 {
		return -1
	}
	unix.CloseOnExec(fd)
	return fd
}

// Args are the program's arguments, cloned: those of os.Args, or of the copy what Launch was
// given, which need not be seen by those who list processes. It is called once.
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

// maxArgs bounds the arguments, in octets, as the kernel does (execve(2)).
const maxArgs = 6 << 20

// writeArgs makes a file of arguments, which goes with the last who has it open. Words hold no NUL.
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

// SetProcessName has the process go by a name in lists of processes, where it would go by that of its
// file: others look for pppd. A kernel that does not let it is no fault.
func SetProcessName(name string) { os.WriteFile("/proc/self/comm", []byte(name), 0) }

// IsChild reports whether this process is the one that goes on.
func IsChild() bool { return os.Getenv(childEnv) != "" }

// Launch starts the copy, which gets arguments by Args, and waits until it is ready or has
// ended. In lists of processes it has os.Args as they are then. The code is what this process
// should exit with: 0, or the copy's own.
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
	// Before the copy is there: a signal may come at once.
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

// forwardSignals passes on the signals by which somebody at the terminal ends the program.
func forwardSignals(signals <-chan os.Signal, p *os.Process) (stop func()) {
	done := make(chan struct{})
	// Ends with stop.
	go func() {
		for {
			select {
			case s := <-signals:
				p.Signal(s)
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

// CatchWriteSignals has the program live on when nobody reads its output any more, or a file may
// not grow any more: a write fails then. A signal that is caught, other than one that is
// ignored, is as usual for programs that this one starts.
func CatchWriteSignals() { signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE, unix.SIGXFSZ) }

// ContextUntilSignal returns a context that ends at SIGTERM, SIGINT or SIGQUIT, after told has been
// told which. The function it returns ends it too.
func ContextUntilSignal(notify func(signal os.Signal)) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGQUIT)
	// Ends with the program: a second signal is told too.
	go func() {
		for s := range signals {
			notify(s)
			cancel()
		}
	}()
	return ctx, func() { signal.Stop(signals); cancel() }
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

// Ready has the copy leave its terminal, and tells the process that waits. In any
// other process it does nothing.
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
