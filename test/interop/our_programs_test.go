package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/test/lab"
)

// program is one of our programs while it runs.
type program struct {
	*lab.Program
	etc string // its own /etc/ppp
}

// start starts one of our programs in a namespace, with files in /etc/ppp, and stops it at the end
// of the test. Programs of a namespace have the same /var/lib and /run, which no others have.
func start(t testing.TB, in *lab.Namespace, files map[string]string, name string, args ...string) *program {
	t.Helper()
	etc := t.TempDir()
	for file, text := range files {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(etc, file)), 0o755))
		check(t, os.WriteFile(filepath.Join(etc, file), []byte(text), 0o600))
	}
	binds, err := lab.PrivateDirs(filepath.Join(bin, "private", inode(t, in)))
	check(t, err)
	launched, err := in.Launch(exec.Command(filepath.Join(bin, name), args...), append(binds, lab.BindMount{Source: etc, Target: "/etc/ppp"})...)
	check(t, err)
	p := &program{launched, etc}
	t.Cleanup(func() { p.stop(t) })
	return p
}

// inode returns the name of a namespace for the kernel, like net:[4026532000].
func inode(t testing.TB, in *lab.Namespace) (name string) {
	t.Helper()
	check(t, in.Do(func() (err error) { name, err = os.Readlink("/proc/thread-self/ns/net"); return err }))
	return name
}

func (p *program) log() string { return p.Log() }

// await waits until the program's output matches.
func (p *program) await(t testing.TB, pattern string) {
	t.Helper()
	check(t, p.Await(pattern))
}

// wait waits until the program ends, and returns its exit code.
func (p *program) wait(t testing.TB) int {
	t.Helper()
	code, err := p.Wait()
	check(t, err)
	return code
}

// stop ends the program as a user at a terminal would.
func (p *program) stop(t testing.TB) int {
	t.Helper()
	code, err := p.Stop()
	check(t, err)
	return code
}

// serve starts our server with rp-pppoe's flags.
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

// dial starts our client with a peers file like pppd's, with more lines in it.
func dial(t testing.TB, in *lab.Namespace, password string, options ...string) *program {
	t.Helper()
	files := map[string]string{
		"peers/isp": "plugin rp-pppoe.so\neth0\nuser \"testuser\"\npassword \"" + password + "\"\nnoauth\nusepeerdns\ndebug\nnodetach\nstate-dir " + t.TempDir() + "\n" + strings.Join(options, "\n") + "\n",
	}
	return start(t, in, files, "pppoe-client", "call", "isp")
}

// hangUp ends our client by a signal, so that it terminates the session.
func (p *program) hangUp(t testing.TB) {
	t.Helper()
	if code := p.stop(t); code != 5 {
		t.Errorf("our client ended with %d, want 5 (ended by a signal); it said:\n%s", code, p.log())
	}
}
