package lab

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Program is a program that runs in a namespace, and its output. Its methods may be called
// concurrently.
type Program struct {
	cmd     *exec.Cmd
	ended   chan struct{}
	mu      sync.Mutex
	output  bytes.Buffer
	changed chan struct{} // of capacity 1: there is new output
}

// Timeouts, of which a working program needs a hundredth.
const (
	outputTimeout = time.Minute
	exitTimeout   = time.Minute // pppd's options may make it wait for answers
)

// Launch starts a program in the namespace. The caller must call Stop or Wait.
func (n *Namespace) Launch(cmd *exec.Cmd, binds ...BindMount) (*Program, error) {
	p := &Program{cmd: cmd, ended: make(chan struct{}), changed: make(chan struct{}, 1)}
	out, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = cmd.Stderr
	if err := n.Start(cmd, binds...); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	// Ends with the program.
	go p.read(out)
	return p, nil
}

func (p *Program) read(out io.Reader) {
	for scan := bufio.NewScanner(out); scan.Scan(); {
		p.mu.Lock()
		p.output.WriteString(scan.Text() + "\n")
		p.mu.Unlock()
		p.notify()
	}
	p.cmd.Wait()
	close(p.ended)
	p.notify()
}

func (p *Program) notify() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Log returns the program's output so far.
func (p *Program) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// Await waits until the output matches a regular expression. It fails after a minute, or when the
// program ends. It must not be called concurrently.
func (p *Program) Await(pattern string) error {
	re := regexp.MustCompile(pattern)
	timeout := time.After(outputTimeout)
	for {
		ended := p.hasEnded()
		if re.MatchString(p.Log()) {
			return nil
		}
		if ended {
			return fmt.Errorf("%s ended with %d and did not print %q; its output:\n%s", p.cmd.Path, p.cmd.ProcessState.ExitCode(), pattern, p.Log())
		}
		select {
		case <-p.changed:
		case <-timeout:
			return fmt.Errorf("%s did not print %q within %v; its output:\n%s", p.cmd.Path, pattern, outputTimeout, p.Log())
		}
	}
}

func (p *Program) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Wait waits until the program ends, and returns its exit code. It kills the program after a
// minute.
func (p *Program) Wait() (code int, err error) {
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(exitTimeout):
		p.cmd.Process.Kill()
		return -1, fmt.Errorf("%s does not end; its output:\n%s", p.cmd.Path, p.Log())
	}
}

// Stop sends SIGTERM, and waits like Wait.
func (p *Program) Stop() (code int, err error) {
	if !p.hasEnded() {
		p.cmd.Process.Signal(unix.SIGTERM)
	}
	return p.Wait()
}

// PID returns the process ID in the namespace of the caller.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Kill sends SIGKILL, and waits until the program has ended.
func (p *Program) Kill() {
	p.cmd.Process.Kill()
	<-p.ended
}
