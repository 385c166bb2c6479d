package handover

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/process/passfd"
)

// Replacement replaces this program by a successor.
type Replacement struct {
	Program // the successor
	// Env is its environment.
	Env []string
	// NewProcessGroup starts it in a process group of its own, so that a terminal does not interrupt it
	// beside this program.
	NewProcessGroup bool
	// Self is this program.
	Self Identity
	// Files are passed on at first. They stay open.
	Files *Files
	// Finish is called once the successor is ready, and may wait for what a successor cannot go on with. This
	// program does everything else meanwhile. Nil: there is nothing.
	Finish func()
	// Suspend ends what this program does, so that a successor can go on with it, and returns what is
	// passed on in addition. It is called after Finish. An error says that nothing was
	// suspended.
	Suspend func() (*Files, error)
	// Progress is called with what has happened, in words; nil: it is not called.
	Progress func(text string)
	// Timeouts limits the steps; the zero value stands for the defaults.
	Timeouts Timeouts
}

// Timeouts are how long the steps of a successor may take. 0 stands for the default.
type Timeouts struct {
	Hello time.Duration // from its start until it says hello: 10 s
	Ready time.Duration // until it is ready: 60 s
	Taken time.Duration // from go until it serves: 60 s; meanwhile control packets wait
	// Carries is from then until it carries packets of sessions, or has ended: 60 s.
	Carries time.Duration
}

func (t Timeouts) withDefaults() Timeouts {
	for field, usual := range map[*time.Duration]time.Duration{&t.Hello: 10 * time.Second, &t.Ready: time.Minute, &t.Taken: time.Minute, &t.Carries: time.Minute} {
		if *field == 0 {
			*field = usual
		}
	}
	return t
}

// ErrUpgrade is wrapped by the errors of Run: this program goes on, and the successor has ended.
var ErrUpgrade = errors.New("the new program cannot take over")

// Done is a successor that has taken over.
type Done struct {
	PID int
	Taken
	Pause time.Duration // from the call of Suspend until the successor serves
	child *child
	limit time.Duration // of AwaitCarried
}

// AwaitCarried waits until the successor carries packets of sessions, too. The error says why that is not to be
// expected: whatever it is, this program must end.
func (d *Done) AwaitCarried() error {
	d.child.peer.deadline(d.limit)
	_, err := d.child.expect(kindCarries, d.limit)
	return err
}

// Release tells the successor that this program has nothing any more, and leaves it alone.
func (d *Done) Release() {
	d.child.peer.send(message{Kind: kindReleased})
	d.child.peer.close()
}

// Wait waits until the successor has ended, and returns its exit code.
func (d *Done) Wait() int {
	err := d.child.wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// Signal sends a signal to the successor.
func (d *Done) Signal(s os.Signal) { d.child.cmd.Process.Signal(s) }

// Run starts the successor and passes everything on to it. If it returns an error, the successor has
// ended, and if Suspend was called without an error, what it has suspended must be resumed.
func (r *Replacement) Run() (*Done, error) {
	c, err := r.start()
	if err != nil {
		return nil, fmt.Errorf("%w: start %s: %w", ErrUpgrade, r.Path, err)
	}
	done, err := r.handOver(c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUpgrade, c.abort(err))
	}
	return done, nil
}

// handOver goes through the protocol.
func (r *Replacement) handOver(c *child) (*Done, error) {
	limit := r.Timeouts.withDefaults()
	r.progress("started %s, process %d", r.Path, c.cmd.Process.Pid)
	c.peer.deadline(limit.Hello)
	if err := c.peer.send(message{Kind: kindHello, Version: version, Self: r.Self}); err != nil {
		return nil, err
	}
	hello, err := c.expect(kindHello, limit.Hello)
	if err != nil {
		return nil, err
	}
	if hello.Version != version {
		return nil, fmt.Errorf("%w: it takes over by version %d of the protocol, and this program passes on by version %d: restart the service instead", ErrVersion, hello.Version, version)
	}
	r.progress("version %s prepares", hello.Self.Build)
	c.peer.deadline(limit.Ready)
	if err := c.sendFiles(r.Files, kindPrepare); err != nil {
		return nil, err
	}
	if _, err := c.expect(kindReady, limit.Ready); err != nil {
		return nil, err
	}
	r.progress("it is ready")
	return r.suspend(c, limit)
}

// suspend suspends this program, and lets the successor serve.
func (r *Replacement) suspend(c *child, limit Timeouts) (*Done, error) {
	if r.Finish != nil {
		r.Finish()
	}
	begin := time.Now()
	more, err := r.Suspend()
	if err != nil {
		return nil, fmt.Errorf("this program could not be suspended: %w", err)
	}
	defer more.Close()
	c.peer.deadline(limit.Taken)
	if err := c.sendFiles(more, kindGo); err != nil {
		return nil, err
	}
	m, err := c.expect(kindTaken, limit.Taken)
	if err != nil {
		return nil, err
	}
	return &Done{PID: c.cmd.Process.Pid, Taken: m.Taken, Pause: time.Since(begin), child: c, limit: limit.Carries}, nil
}

func (r *Replacement) progress(format string, args ...any) {
	if r.Progress != nil {
		r.Progress(fmt.Sprintf(format, args...))
	}
}

// child is a successor, as its predecessor sees it.
type child struct {
	cmd    *exec.Cmd
	peer   *peer
	stderr *tail
	wait   func() error // may be called several times
}

// start starts the successor.
func (r *Replacement) start() (*child, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	theirs := os.NewFile(uintptr(pair[1]), "handover")
	defer theirs.Close()
	p, err := newPeer(os.NewFile(uintptr(pair[0]), "handover"))
	if err != nil {
		return nil, err
	}
	c := &child{peer: p, stderr: &tail{}, cmd: exec.Command(r.Path, append([]string{Command}, r.Args...)...)}
	c.cmd.Dir, c.cmd.ExtraFiles = r.Dir, []*os.File{theirs}
	c.cmd.Env = append(environment(r.Env), socketEnv+"=3")
	c.cmd.Stderr, c.cmd.WaitDelay = c.stderr, endGrace // programs that it has started may have its output
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: r.NewProcessGroup}
	if err := c.cmd.Start(); err != nil {
		p.close()
		return nil, err
	}
	c.wait = sync.OnceValue(c.cmd.Wait)
	return c, nil
}

// environment returns an environment without what is of this process alone.
func environment(all []string) (kept []string) {
	for _, e := range all {
		switch name, _, _ := strings.Cut(e, "="); name {
		case socketEnv, "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_PID":
		default:
			kept = append(kept, e)
		}
	}
	return kept
}

// sendFiles sends files, and a message that ends them.
func (c *child) sendFiles(files *Files, end string) error {
	if err := c.peer.sendFiles(files); err != nil {
		return err
	}
	return c.peer.send(message{Kind: end})
}

// expect receives a message of a kind.
func (c *child) expect(kind string, limit time.Duration) (message, error) {
	m, files, err := c.peer.receive()
	passfd.Close(files)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return m, fmt.Errorf("it did not say %s within %v", kind, limit)
	case err != nil:
		return m, err
	case m.Kind == kindFailed:
		return m, errors.New(strings.ToValidUTF8(m.Reason, "?"))
	case m.Kind != kind:
		return m, fmt.Errorf("%w: %q in place of %q", errMessage, m.Kind, kind)
	}
	return m, nil
}

// abort ends the successor. The error is why, or how the successor has ended itself.
func (c *child) abort(why error) error {
	ended := errors.Is(why, io.EOF) || errors.Is(why, unix.EPIPE) || errors.Is(why, unix.ECONNRESET)
	if !ended { // else it reports itself how it has ended
		c.cmd.Process.Kill()
	}
	how := c.waitOrKill()
	c.peer.close()
	if !ended {
		return why
	}
	return c.explain(how)
}

// endGrace is how long a successor may take to end after it has closed its socket.
const endGrace = 2 * time.Second

func (c *child) waitOrKill() error {
	defer time.AfterFunc(endGrace, func() { c.cmd.Process.Kill() }).Stop()
	return c.wait()
}

// explain says how the successor has ended, with the last that it has printed.
func (c *child) explain(how error) error {
	text := "it has ended"
	if how != nil {
		text = fmt.Sprintf("it has ended (%v)", how)
	}
	if last := c.stderr.String(); last != "" {
		text += ": " + last
	}
	return errors.New(text)
}

// tail keeps the end of what is written to it. It may be used concurrently.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// maxTail is how much is kept, in octets.
const maxTail = 4096

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if over := len(t.text) - maxTail; over > 0 {
		t.text = t.text[over:]
	}
	return len(b), nil
}

// String returns the text, of which characters that are not printable are replaced.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	clean := func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f {
			return '?'
		}
		return r
	}
	return strings.Map(clean, strings.ToValidUTF8(string(bytes.TrimSpace(t.text)), "?"))
}
