// Package life tests the programs from outside, as users and scripts see them: options, detaching,
// scripts, status, exit codes, recovery from outages. It needs root and network namespaces, and
// takes about two minutes.
package life

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// bin is the directory of our compiled programs.
var bin string

func TestMain(m *testing.M) {
	os.Exit(labtest.Main(m, prepare, "./cmd/pppoe-client", "./cmd/pppoe-server", "./cmd/pppoe-discovery"))
}

// prepare receives the directory of our programs, and makes the other names of the client in it.
func prepare(dir string) error {
	bin = dir
	for _, name := range []string{"pppd", "pon", "poff", "plog"} {
		if err := os.Symlink("pppoe-client", filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testbed is a client's and a server's machine, connected by their eth0. The client's has its own
// files.
type testbed struct {
	client, server  *lab.Namespace
	testWire, other *lab.Namespace // of newSwitchedTestbed
	dir             string         // of the client's files
	serverEtc       string
}

// clientDirs are the client's own directories, and where they are mounted.
var clientDirs = map[string]string{"etc": "/etc/ppp", "run": "/run", "lib": "/var/lib"}

// user and secret are the account that the servers know.
const (
	user   = "testuser"
	secret = "testpassword"
)

func newTestbed(t testing.TB) *testbed {
	t.Helper()
	w := newEmptyTestbed(t)
	check(t, lab.Veth(lab.End{In: w.client, Name: "eth0"}, lab.End{In: w.server, Name: "eth0"}))
	return w
}

// newSwitchedTestbed puts a switch between the client, the server and a third machine, so that
// changes to one's interface do not affect the others'.
func newSwitchedTestbed(t testing.TB) *testbed {
	t.Helper()
	w := newEmptyTestbed(t)
	w.testWire, w.other = labtest.Namespace(t), labtest.Namespace(t)
	check(t, w.testWire.Bridge("br0"))
	w.plug(t, w.client, "client")
	w.plug(t, w.server, "server")
	w.plug(t, w.other, "other")
	return w
}

// plug gives a machine an eth0 that is connected to a port of the switch.
func (w *testbed) plug(t testing.TB, in *lab.Namespace, port string) {
	t.Helper()
	check(t, lab.Veth(lab.End{In: w.testWire, Name: port}, lab.End{In: in, Name: "eth0"}))
	check(t, w.testWire.AddBridgePorts("br0", port))
}

func newEmptyTestbed(t testing.TB) *testbed {
	t.Helper()
	roottest.Need(t)
	w := &testbed{client: labtest.Namespace(t), server: labtest.Namespace(t), serverEtc: t.TempDir()}
	w.newClientFiles(t)
	w.serverOptions(t, "require-chap\n")
	for _, file := range []string{"chap-secrets", "pap-secrets"} {
		check(t, os.WriteFile(filepath.Join(w.serverEtc, file), []byte(user+" * "+secret+" *\n"), 0o600))
	}
	// Last, so that it runs before the namespaces are closed: detached clients.
	t.Cleanup(func() { w.endDetached(t) })
	return w
}

// newClientFiles makes the client's files.
func (w *testbed) newClientFiles(t testing.TB) {
	t.Helper()
	w.dir = t.TempDir()
	for name := range clientDirs {
		check(t, os.MkdirAll(filepath.Join(w.dir, name), 0o755))
	}
	check(t, os.MkdirAll(filepath.Join(w.dir, "home"), 0o755))
	w.write(t, "resolv.conf", "nameserver 198.51.100.53\n", 0o644)
}

// write writes one of the client's files: etc/options is its /etc/ppp/options.
func (w *testbed) write(t testing.TB, name, text string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(w.dir, name)
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, []byte(text), mode))
	check(t, os.Chmod(path, mode))
}

func (w *testbed) read(name string) string {
	text, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (w *testbed) has(name string) bool {
	_, err := os.Lstat(filepath.Join(w.dir, name))
	return err == nil
}

func (w *testbed) serverOptions(t testing.TB, text string) {
	t.Helper()
	check(t, os.WriteFile(filepath.Join(w.serverEtc, "pppoe-server-options"), []byte(text+"state-dir "+t.TempDir()+"\n"), 0o600))
}

// binds mounts the client's files over the machine's.
func (w *testbed) binds() (all []lab.BindMount) {
	for name, over := range clientDirs {
		all = append(all, lab.BindMount{Source: filepath.Join(w.dir, name), Target: over})
	}
	return append(all, lab.BindMount{Source: filepath.Join(w.dir, "resolv.conf"), Target: "/etc/resolv.conf"})
}

// environment is the environment of the client's programs.
func (w *testbed) environment() []string {
	return []string{"HOME=" + filepath.Join(w.dir, "home"), "PATH=" + os.Getenv("PATH"), "LOGNAME=tester"}
}

// endDetached kills clients that have detached, and waits until they have ended.
func (w *testbed) endDetached(t testing.TB) {
	sockets, _ := filepath.Glob(filepath.Join(w.dir, "run/upppoe/*.sock"))
	for _, path := range sockets {
		var pid int
		if _, err := fmt.Sscanf(filepath.Base(path), "%d.sock", &pid); err == nil && isOurs(pid) {
			unix.Kill(pid, unix.SIGKILL)
			awaitExit(t, pid)
		}
	}
}

// isOurs reports whether a process is one of the programs built for these tests: process IDs are
// reused.
func isOurs(pid int) bool {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil && strings.HasPrefix(path, bin+"/")
}
