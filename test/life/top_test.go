package life

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/mgmt/status"
	"upppoe/test/lab"
)

// topProgram is a program with a live view in a terminal of its own.
type topProgram struct {
	t        *testing.T
	terminal *lab.Terminal
	before   lab.State
	cmd      *exec.Cmd
}

func runTop(t *testing.T, in *lab.Namespace, cmd *exec.Cmd, binds ...lab.BindMount) *topProgram {
	t.Helper()
	terminal, err := lab.OpenTerminal(130, 40)
	check(t, err)
	t.Cleanup(func() { terminal.Close() })
	before, err := terminal.State()
	check(t, err)
	terminal.Attach(cmd)
	cmd.Env = append(cmd.Environ(), "TERM=xterm-256color", "NO_COLOR=")
	check(t, in.Start(cmd, binds...))
	t.Cleanup(func() { cmd.Process.Kill() })
	return &topProgram{t, terminal, before, cmd}
}

// shows waits until the screen matches a regular expression.
func (p *topProgram) shows(pattern string) {
	p.t.Helper()
	check(p.t, p.terminal.Await(pattern))
}

func (p *topProgram) press(keys string) {
	p.t.Helper()
	check(p.t, p.terminal.Type(keys))
}

// ends waits for the end of the program, which must have restored the terminal.
func (p *topProgram) ends() {
	p.t.Helper()
	stuck := time.AfterFunc(timeout, func() { p.cmd.Process.Kill() })
	defer stuck.Stop()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("it ended with %v", err)
	}
	await(p.t, "the terminal is restored", func() bool {
		after, err := p.terminal.State()
		check(p.t, err)
		return after == p.before
	})
}

const escape = "\x1b"

// TestServerTop: the live view of a server in a terminal: it shows a session, finds it, describes it,
// and disconnects it after a question; it follows the size, and restores the terminal.
func TestServerTop(t *testing.T) {
	w := newTestbed(t)
	o, _ := newOperator(t, w)
	command := func() *exec.Cmd {
		return exec.Command(filepath.Join(bin, "pppoe-server"), "top", "--socket", o.socket, "--every", "100ms")
	}
	top := runTop(t, w.server, command())
	top.shows(`0 online, 0 half-open, 0 sessions of 64`)
	w.dial(t, "persist", "holdoff", "0", "pppoe-circuit-id", "日本語")
	w.awaitOnline(t)
	top.shows(`(?s)life-ac: 1 online.* testuser  192\.0\.2\.10 .* 日本語`)
	top.shows(`down \d+ [kM]?bit/s, set-ups 0/s`)
	top.press("/nobody")
	top.shows(`0 of 1 match`)
	top.press(escape)
	top.shows(`testuser`)
	top.press("\r")
	top.shows(`(?s)session 1: testuser, online.*PPPoE session 1`)
	top.press("q")
	top.shows(`IP +MAC +INTERFACE`)
	check(t, top.terminal.Resize(60, 10))
	top.shows(`IP +UPTIME +UP +DOWN`)
	check(t, top.terminal.Resize(130, 40))
	top.shows(`IP +MAC +INTERFACE`)
	top.press("d")
	top.shows(`Disconnect session 1 of testuser, .* on eth0\? y: yes`)
	top.press("n")
	top.shows(`not disconnected`)
	top.press("dy")
	top.shows(`session 1 disconnected`)
	w.awaitStatus(t, "it has redialled", func(s status.Status) bool { return isOnline(s) && s.Dials == 2 })
	top.shows(`(?m)^ *2  testuser`)
	top.press("?")
	top.shows(`Ctrl-C +quit`)
	top.press(escape) // followed by q at once, it would be Alt-q
	top.shows(`testuser`)
	top.press("q")
	top.ends()

	top = runTop(t, w.server, command())
	top.shows(`testuser`)
	check(t, top.cmd.Process.Signal(unix.SIGTERM))
	top.ends()
}

// TestServerTopPipe: without a terminal the view is a table again and again, until the reader ends.
func TestServerTopPipe(t *testing.T) {
	w := newTestbed(t)
	o, _ := newOperator(t, w)
	cmd := exec.Command(filepath.Join(bin, "pppoe-server"), "top", "--socket", o.socket, "--every", "100ms")
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	text := bufio.NewReader(out)
	for range 5 { // of the second table
		line, err := text.ReadString('\n')
		check(t, err)
		if strings.ContainsAny(line, escape+"\r") {
			t.Errorf("a line for a terminal: %q", line)
		}
	}
	out.Close()
	stuck := time.AfterFunc(timeout, func() { cmd.Process.Kill() })
	defer stuck.Stop()
	cmd.Wait()
	if s := cmd.ProcessState.Sys().(interface{ Signal() unix.Signal }); s.Signal() == unix.SIGKILL {
		t.Error("it does not end with its reader")
	}
}

// TestClientTop: the live view of a client in a terminal, online and when its concentrator is gone.
func TestClientTop(t *testing.T) {
	w := newTestbed(t)
	server := w.serve(t)
	w.dial(t, "persist", "holdoff", "30", "lcp-echo-interval", "1")
	w.awaitOnline(t)
	top := runTop(t, w.client, w.command("pppoe-client", "top"), w.binds()...)
	top.shows(`(?s)eth0: online since .*session +1 at .*IPv4 +192\.0\.2\.10, peer 192\.0\.2\.1`)
	top.shows(`(?s)echoes +RTT \d+\.\d ms, 0 of \d+ lost.*loss +0\.0 %.*up +.*down .*Last events\s.*online  ip 192\.0\.2\.10`)
	_, err := server.Stop()
	check(t, err)
	top.shows(`(?s)eth0: (waiting for hold-off|dialling) since .*last end +peer-terminated.*ended  .*cause peer-terminated`)
	top.press("\x03")
	top.ends()
	if r := w.run(t, "pppoe-client", "top", "--once"); r.code != 0 || !strings.Contains(r.stdout, "\neth0 ") && !strings.Contains(r.stdout, "waiting") {
		t.Errorf("in a pipe: %+v", r)
	}
}
