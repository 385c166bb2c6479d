package netconfig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// defaultProgramTimeout is how long a program may take to install name servers.
const defaultProgramTimeout = 10 * time.Second

// ErrProgramTimeout is wrapped when a program did not end in time and was killed.
var ErrProgramTimeout = errors.New("did not end in time, and was killed")

// runProgram looks a program up in PATH and runs it, without a shell. Of our environment it gets
// only PATH, as there may be a password in it. The error wraps exec.ErrNotFound, or has the
// program's output.
func runProgram(within time.Duration, input, name string, args ...string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	output := &outputHead{limit: 512}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), output, output
	cmd.Dir = "/"
	// Its child processes are killed with it, or not waited for.
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", path, ErrProgramTimeout)
	}
	return fmt.Errorf("%s: %w: %s", path, err, output)
}

// outputHead keeps the beginning of what is written to it.
type outputHead struct {
	text  []byte
	limit int
}

func (h *outputHead) Write(b []byte) (int, error) {
	h.text = append(h.text, b[:min(h.limit-len(h.text), len(b))]...)
	return len(b), nil
}

// String returns the output as one line, without control characters.
func (h *outputHead) String() string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.TrimSpace(string(h.text)))
}
