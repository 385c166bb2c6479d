package life

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/mgmt/status"
	"upppoe/test/lab"
)

// timeout bounds every wait: a working program needs a hundredth.
const timeout = 30 * time.Second

// await waits for a condition.
func await(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(timeout); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v, still not so: %s", timeout, what)
		}
	}
}

// awaitExit waits until a process has ended, which need not be a child.
func awaitExit(t testing.TB, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	check(t, err)
	defer unix.Close(fd)
	await(t, "a process has ended", func() bool {
		n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return n == 1
	})
}

// result is the result of a program.
type result struct {
	code           int
	stdout, stderr string
}

// run runs one of our programs on the client's machine until it ends.
func (w *testbed) run(t testing.TB, name string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := w.command(name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	return w.finish(t, cmd, &stdout, &stderr)
}

func (w *testbed) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(bin, name), args...)
	cmd.Env = w.environment()
	return cmd
}

func (w *testbed) finish(t testing.TB, cmd *exec.Cmd, stdout, stderr *bytes.Buffer) result {
	t.Helper()
	check(t, w.client.Start(cmd, w.binds()...))
	stuck := time.AfterFunc(2*timeout, func() { cmd.Process.Kill() })
	defer stuck.Stop()
	cmd.Wait() // the caller checks the exit code
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// start starts one of our programs on the client's machine, and stops it at the end of the test.
func (w *testbed) start(t testing.TB, name string, args ...string) *lab.Program {
	t.Helper()
	return launch(t, w.client, w.command(name, args...), w.binds()...)
}

func launch(t testing.TB, in *lab.Namespace, cmd *exec.Cmd, binds ...lab.BindMount) *lab.Program {
	t.Helper()
	p, err := in.Launch(cmd, binds...)
	check(t, err)
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("%s %q said:\n%s", filepath.Base(cmd.Path), cmd.Args[1:], p.Log())
		}
	})
	return p
}

// account has the options of the test account.
var account = []string{"user", user, "password", secret, "noauth"}

// dial starts a client in the foreground with an account that the server knows.
func (w *testbed) dial(t testing.TB, options ...string) *lab.Program {
	t.Helper()
	args := append([]string{"eth0"}, account...)
	return w.start(t, "pppoe-client", append(append(args, "debug", "nodetach"), options...)...)
}

// dialOnline starts a client, and waits until it is online.
func (w *testbed) dialOnline(t testing.TB, options ...string) *lab.Program {
	t.Helper()
	p := w.dial(t, options...)
	w.awaitOnline(t)
	return p
}

// serve starts the server, with flags in addition to the common ones.
func (w *testbed) serve(t testing.TB, flags ...string) *lab.Program {
	t.Helper()
	return w.serveAt(t, w.server, flags...)
}

// serveAt starts a server in another namespace.
func (w *testbed) serveAt(t testing.TB, in *lab.Namespace, flags ...string) *lab.Program {
	t.Helper()
	args := append([]string{"-I", "eth0", "-L", "192.0.2.1", "-R", "192.0.2.10", "-C", "life-ac", "-F", "-d", "--etc", w.serverEtc}, flags...)
	p := launch(t, in, exec.Command(filepath.Join(bin, "pppoe-server"), args...))
	check(t, p.Await("Serving on "))
	return p
}

// kill ends a program like a crash.
func kill(t testing.TB, p *lab.Program) {
	t.Helper()
	check(t, unix.Kill(p.PID(), unix.SIGKILL))
	p.Wait() // it has no exit code
}

// status returns the status of the clients.
func (w *testbed) status(t testing.TB, who ...string) (all []status.Status) {
	t.Helper()
	r := w.run(t, "pppoe-client", append([]string{"status", "--json"}, who...)...)
	if err := json.Unmarshal([]byte(r.stdout), &all); err != nil {
		t.Fatalf("status: %v: %+v", err, r)
	}
	return all
}

// awaitStatus waits until the status of the only client meets a condition, and returns it.
func (w *testbed) awaitStatus(t testing.TB, what string, so func(status.Status) bool) (is status.Status) {
	t.Helper()
	await(t, what, func() bool {
		all := w.status(t)
		if len(all) != 1 {
			return false
		}
		is = all[0]
		return so(is)
	})
	return is
}

func (w *testbed) awaitOnline(t testing.TB) status.Status {
	t.Helper()
	return w.awaitStatus(t, "the client is online", isOnline)
}

func isOnline(s status.Status) bool { return s.State == status.Online && s.IPv4 != nil }

// wantExit waits for a program's end, and checks its exit code.
func wantExit(t testing.TB, p *lab.Program, want int) {
	t.Helper()
	if code, err := p.Wait(); err != nil || code != want {
		t.Errorf("it ended with %d, want %d: %v; it said:\n%s", code, want, err, p.Log())
	}
}
