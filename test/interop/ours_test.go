package interop

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/test/lab"
)

// program is one of ours while it runs.
type program struct {
	name  string
	etc   string // its own /etc/ppp
	cmd   *exec.Cmd
	ended chan struct{}
	mu    sync.Mutex
	said  bytes.Buffer
	grown chan struct{} // has room for one: something was said
}

// start starts one of our programs in a namespace, with files that it finds in
// /etc/ppp; it is ended with the test.
func start(t testing.TB, in *lab.Namespace, files map[string]string, name string, args ...string) *program {
	t.Helper()
	p := &program{name: name, etc: t.TempDir(), ended: make(chan struct{}), grown: make(chan struct{}, 1)}
	for file, text := range files {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(p.etc, file)), 0o755))
		check(t, os.WriteFile(filepath.Join(p.etc, file), []byte(text), 0o600))
	}
	p.cmd = exec.Command(filepath.Join(bin, name), args...)
	out, err := p.cmd.StderrPipe()
	check(t, err)
	p.cmd.Stdout = p.cmd.Stderr
	check(t, in.Start(p.cmd, lab.Bind{From: p.etc, Over: "/etc/ppp"}))
	// Ends with the program.
	go p.follow(bufio.NewScanner(out))
	t.Cleanup(func() { p.stop(t) })
	return p
}

func (p *program) follow(scan *bufio.Scanner) {
	for scan.Scan() {
		p.mu.Lock()
		p.said.WriteString(scan.Text() + "\n")
		p.mu.Unlock()
		p.poke()
	}
	p.cmd.Wait()
	close(p.ended)
	p.poke()
}

func (p *program) poke() {
	select {
	case p.grown <- struct{}{}:
	default:
	}
}

func (p *program) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// await waits until the program has said something that matches.
func (p *program) await(t testing.TB, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	timeout := time.After(30 * time.Second)
	for !re.MatchString(p.log()) {
		select {
		case <-p.grown:
		case <-timeout:
			t.Fatalf("%s has not said %q; it said:\n%s", p.name, pattern, p.log())
		}
	}
}

// wait waits until the program ends, and returns its exit code.
func (p *program) wait(t testing.TB) int {
	t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(time.Minute):
		p.cmd.Process.Kill()
		t.Fatalf("%s does not end; it said:\n%s", p.name, p.log())
		return -1
	}
}

// stop ends the program as somebody at a terminal would.
func (p *program) stop(t testing.TB) int {
	t.Helper()
	p.cmd.Process.Signal(unix.SIGTERM)
	return p.wait(t)
}

// serve starts our server, as rp-pppoe's is started.
func serve(t testing.TB, in *lab.Namespace, require string, flags ...string) *program {
	t.Helper()
	files := map[string]string{
		"pppoe-server-options": require + "\nms-dns 192.0.2.53\nms-dns 192.0.2.54\ndebug\n",
		"chap-secrets":         accounts,
		"pap-secrets":          accounts,
	}
	args := append([]string{"-I", "eth0", "-L", serverIP.String(), "-R", clientIP.String(), "-C", "ours", "-F"}, flags...)
	p := start(t, in, files, "pppoe-server", args...)
	p.await(t, "Serving on eth0")
	return p
}

// dial starts our client, by the file of peers that pppd would have.
func dial(t testing.TB, in *lab.Namespace, password string) *program {
	t.Helper()
	files := map[string]string{
		"peers/isp": "plugin rp-pppoe.so\neth0\nuser \"testuser\"\npassword \"" + password + "\"\nnoauth\nusepeerdns\ndebug\nnodetach\nstate-dir " + t.TempDir() + "\n",
	}
	return start(t, in, files, "pppoe-client", "call", "isp")
}

// hangUp ends our client by a signal, on which it says good-bye.
func (p *program) hangUp(t testing.TB) {
	t.Helper()
	if code := p.stop(t); code != 5 {
		t.Errorf("our client ended with %d, want 5 (ended by a signal); it said:\n%s", code, p.log())
	}
}
