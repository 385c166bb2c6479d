// Package packages tests what users install: the Debian packages, on Debian systems that are booted with
// their systemd in namespaces; completion in the shells; and what is for OpenWrt.
package packages

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// base is a Debian system, as debootstrap makes it: .ci/run does.
const base = "/opt/debian"

// repository is the root of the module.
const repository = "../.."

// The versions of the packages. Each is a directory of packages.
const (
	older = "1.0.0"
	newer = "1.1.0"
)

// bin has the programs of the older packages; the directory above has their other files.
var bin string

// packages has a directory of packages for each version.
var packages string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "upppoe-packages-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build builds the packages of both versions.
func build(dir string) error {
	packages, bin = dir, filepath.Join(dir, "usr/sbin")
	for _, version := range []string{older, newer} {
		cmd := exec.Command("go", "run", "./internal/packaging", "-o", filepath.Join(dir, version), "-version", version, "-arch", "amd64", fmt.Sprintf("-ipk=%v", version == newer), fmt.Sprintf("-tar=%v", version == newer))
		cmd.Dir = repository
		cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1767225600")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
	}
	return unpack(dir)
}

// unpack unpacks the older packages.
func unpack(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, older, "*.deb"))
	for _, f := range files {
		if out, failed := exec.Command("dpkg-deb", "-x", f, dir).CombinedOutput(); failed != nil {
			err = fmt.Errorf("%w\n%s", failed, out)
		}
	}
	return err
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// machine is a running Debian system with systemd.
type machine struct {
	t    *testing.T
	net  *lab.Namespace
	init int // process ID of its systemd
}

// boot boots a system in a network namespace.
func boot(t *testing.T, name string, in *lab.Namespace) *machine {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	for _, sub := range []string{"root", "upper", "work", "packages"} {
		check(t, os.MkdirAll(filepath.Join(dir, sub), 0o755))
	}
	out, err := exec.Command("cp", "-r", filepath.Join(packages, older), filepath.Join(packages, newer), filepath.Join(dir, "packages")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p, err := in.Launch(exec.Command("sh", "testdata/boot.sh", base, dir, cgroup(t, name)))
	check(t, err)
	t.Cleanup(p.Kill)
	m := &machine{t: t, net: in}
	m.init = awaitChild(t, p)
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := m.try("journalctl", "--no-pager", "-o", "cat", "-n", "100")
			t.Logf("%s: its journal:\n%s", name, log)
		}
	})
	m.await("running", "systemctl", "is-system-running")
	return m
}

// cgroup makes a directory of cgroup2, which is removed after the processes in it have ended.
func cgroup(t *testing.T, name string) string {
	t.Helper()
	top := "/sys/fs/cgroup"
	if _, err := os.Stat(filepath.Join(top, "cgroup.procs")); err != nil {
		top = filepath.Join(top, "unified") // beside version 1
	}
	dir := filepath.Join(top, fmt.Sprintf("upppoe-%d-%s-%s", os.Getpid(), t.Name(), name))
	check(t, os.Mkdir(dir, 0o755))
	t.Cleanup(func() {
		await(t, "the end of "+dir, func() bool { return removeCgroup(dir) == nil })
	})
	return dir
}

// removeCgroup removes a cgroup and those in it.
func removeCgroup(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeCgroup(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return os.Remove(dir)
}

// await waits until something is so.
func await(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("timeout waiting for %s", what)
		}
	}
}

// awaitChild waits for the first process of the system, and returns its process ID here.
func awaitChild(t *testing.T, p *lab.Program) (pid int) {
	t.Helper()
	await(t, "systemd", func() bool {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", p.PID()))
		pid, _ = strconv.Atoi(strings.TrimSpace(string(children)))
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		return string(name) == "systemd\n"
	})
	return pid
}

// try runs a command in the system, and returns its output.
func (m *machine) try(args ...string) (string, error) {
	cmd := exec.Command("nsenter", append([]string{"-t", strconv.Itoa(m.init), "-m", "-u", "-i", "-n", "-p", "-C", "--"}, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LANG=C", "HOME=/root", "TERM=dumb"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run is try for a command that must succeed.
func (m *machine) run(args ...string) string {
	m.t.Helper()
	out, err := m.try(args...)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// shell runs a shell script that must succeed.
func (m *machine) shell(script string) string {
	m.t.Helper()
	return m.run("sh", "-ec", script)
}

// await waits until the output of a command contains a text.
func (m *machine) await(text string, args ...string) {
	m.t.Helper()
	await(m.t, strings.Join(args, " ")+": "+text, func() bool {
		out, _ := m.try(args...)
		return strings.Contains(out, text)
	})
}

// awaitState waits until a unit is in a state.
func (m *machine) awaitState(state, unit string) {
	m.t.Helper()
	await(m.t, unit+" to be "+state, func() bool {
		out, _ := m.try("systemctl", "is-active", unit)
		return out == state+"\n"
	})
}

// awaitVersion waits until a unit runs a program of a version: systemd notices a moment later that the one before was
// killed, and until then the unit is active.
func (m *machine) awaitVersion(version, unit string) {
	m.t.Helper()
	await(m.t, unit+" to run version "+version, func() bool {
		pid, _ := m.try("systemctl", "show", "-P", "MainPID", unit)
		out, _ := m.try("/proc/"+strings.TrimSpace(pid)+"/exe", "--version")
		return strings.Contains(out, "v"+version)
	})
}

// install installs packages of a version. Changed conffiles stay as they are.
func (m *machine) install(version string, names ...string) {
	m.t.Helper()
	var files []string
	for _, n := range names {
		files = append(files, fmt.Sprintf("/mnt/packages/%s/%s_%s_amd64.deb", version, n, version))
	}
	m.run(append([]string{"dpkg", "--force-confold", "-i"}, files...)...)
}

// ping pings an address from the system.
func (m *machine) ping(to string) {
	m.t.Helper()
	if _, err := m.net.Ping(netip.MustParseAddr(to), 1, 15*time.Second); err != nil {
		m.t.Errorf("%s: %v", to, err)
	}
}

// two boots two systems whose eth0 are connected.
func two(t *testing.T) (near, far *machine) {
	t.Helper()
	roottest.Need(t, "unshare", "nsenter", "ip")
	if _, err := os.Stat(filepath.Join(base, "lib/systemd/systemd")); err != nil {
		roottest.SkipMissing(t, "needs a Debian system in "+base+": see .ci/run")
	}
	a, b := labtest.Namespace(t), labtest.Namespace(t)
	check(t, lab.Veth(lab.End{In: a, Name: "eth0"}, lab.End{In: b, Name: "eth0"}))
	return boot(t, "near", a), boot(t, "far", b)
}
