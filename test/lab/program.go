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

// Program is a program that runs in a namespace, and what it has printed. Its methods
// may be called concurrently.
type Program struct {
	cmd     *exec.Cmd
	ended   chan struct{}
	mu      sync.Mutex
	output  bytes.Buffer
	changed chan struct{} // has room for one: something was said
}

// Bounds, of which a healthy program needs a hundredth.
const (
	outputTimeout = time.Minute
	exitTimeout   = time.Minute // pppd's words may have it wait for answers
)

// Launch starts a program in the namespace; whoever starts it must Stop it or Wait.
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

// Log is all that the program has printed.
func (p *Program) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// Await waits until the program has printed something that matches. It gives up after
// a minute, and when the program ends. Only one goroutine may wait at a time.
func (p *Program) Await(pattern string) error {
	re := regexp.MustCompile(pattern)
	timeout := time.After(outputTimeout)
	for {
		ended := p.hasEnded()
		if re.MatchString(p.Log()) {
			return nil
		}
		if ended {
			return fmt.Errorf("%s ended with %d and has not said %q; it said:\n%s", p.cmd.Path, p.cmd.ProcessState.ExitCode(), pattern, p.Log())
		}
		select {
		case <-p.changed:
		case <-timeout:
			return fmt.Errorf("%s has not said %q in %v; it said:\n%s", p.cmd.Path, pattern, outputTimeout, p.Log())
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

// Wait waits until the program ends, and returns its exit code. One that does not end
// within a minute is killed.
func (p *Program) Wait() (code int, err error) {
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(exitTimeout):
		p.cmd.Process.Kill()
		return -1, fmt.Errorf("%s does not end; it said:\n%s", p.cmd.Path, p.Log())
	}
}

// Stop ends the program by SIGTERM, and waits as Wait does.
func (p *Program) Stop() (code int, err error) {
	if !p.hasEnded() {
		p.cmd.Process.Signal(unix.SIGTERM)
	}
	return p.Wait()
}

// PID is the process's number, as the program that started it sees it.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Kill ends the program without asking it, and waits until it has ended.
func (p *Program) Kill() {
	p.cmd.Process.Kill()
	<-p.ended
}
