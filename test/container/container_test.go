// Package container runs the images of .docker/Dockerfile as an engine would: with the image's
// files as a read-only root, as the first process of new namespaces, with few capabilities. It
// needs root, but no container engine, and takes about two minutes.
package container

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/guest"
	"upppoe/test/lab"
)

// out is the directory of the compiled programs; minimal and full are the images made of them.
var (
	out           string
	minimal, full *image
)

func TestMain(m *testing.M) {
	if text := os.Getenv(specEnv); text != "" {
		fmt.Fprintln(os.Stderr, enterContainer(text))
		os.Exit(125) // as docker run does
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "upppoe-container-")
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

// build makes the images in a directory. In a guest, the host has compiled the programs.
func build(dir string) error {
	all, err := read()
	if err != nil {
		return err
	}
	if out, err = programs(all[buildStage], filepath.Join(dir, "out")); err != nil {
		return err
	}
	if minimal, err = assemble(all[""], out, filepath.Join(dir, "minimal")); err != nil {
		return err
	}
	full, err = assemble(all["full"], out, filepath.Join(dir, "full"))
	return err
}

// programs compiles the programs in a directory. In a guest they exist already.
func programs(stage []instruction, dir string) (string, error) {
	if guest.Inside() {
		bin, _, err := guest.Build(repository, "")
		return filepath.Join(bin, "out"), err
	}
	return dir, compile(stage, dir)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// requiredCaps are the capabilities that the README names.
var requiredCaps = []int{unix.CAP_NET_RAW, unix.CAP_NET_ADMIN}

// serverLoopback is an address of the server that is reached by the default route only.
const serverLoopback = "203.0.113.254"

// hosts makes two namespaces that are connected by their eth0.
func hosts(t testing.TB) (a, b *lab.Namespace) {
	t.Helper()
	roottest.Need(t)
	for _, n := range []**lab.Namespace{&a, &b} {
		made, err := lab.NewNamespace()
		check(t, err)
		t.Cleanup(func() { made.Close() })
		*n = made
	}
	check(t, lab.Veth(lab.End{In: a, Name: "eth0"}, lab.End{In: b, Name: "eth0"}))
	check(t, b.Address("eth0", serverLoopback+"/24"))
	return a, b
}

// files makes a directory of files, by name.
func files(t testing.TB, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		file := filepath.Join(dir, name)
		check(t, os.MkdirAll(filepath.Dir(file), 0o755))
		check(t, os.WriteFile(file, []byte(text), 0o600))
	}
	return dir
}

// serve runs the image's server in a container, with additional arguments.
func serve(t testing.TB, in *lab.Namespace, args ...string) *lab.Program {
	t.Helper()
	server := minimal.command("pppoe-server", "-L", "192.0.2.1", "-R", "192.0.2.10", "-C", "box")
	p := run(t, in, spec{
		Root: minimal.root, Caps: requiredCaps, TUN: true,
		Args: append(server, args...),
		Files: files(t, map[string]string{
			"pppoe-server-options": "require-chap\nms-dns 192.0.2.53\n",
			"chap-secrets":         "\"testuser\" * \"testpassword\" *\n",
		}),
	})
	check(t, p.Await("Serving on eth0"))
	return p
}

// client is a container of the image with default settings.
func client(args ...string) spec {
	return spec{
		Root: minimal.root, Caps: requiredCaps, TUN: true,
		Args: minimal.command(args...),
		Env:  []string{"PPPOE_PASSWORD=testpassword"},
	}
}

// wantSession waits for a session, and ends it as docker stop does.
func wantSession(t *testing.T, in, peer *lab.Namespace, p *lab.Program) {
	t.Helper()
	check(t, p.Await("remote IP address 192.0.2.1\n"))
	for to, from := range map[string]*lab.Namespace{"192.0.2.1": in, serverLoopback: in, "192.0.2.10": peer} {
		if _, err := from.Ping(netip.MustParseAddr(to), 1, 15*time.Second); err != nil {
			t.Errorf("%s: %v", to, err)
		}
	}
	if code, err := p.Stop(); err != nil || code != 5 {
		t.Errorf("the container ended with %d, want 5 (ended by a signal): %v", code, err)
	}
	if _, err := in.MTU("ppp0"); err == nil {
		t.Error("the container has ended, and left ppp0")
	}
}

// TestDials: with everything that the README's command has.
func TestDials(t *testing.T) {
	near, far := hosts(t)
	server := serve(t, far)
	wantSession(t, near, far, run(t, near, client("eth0", "user", "testuser", "noauth", "defaultroute", "usepeerdns")))
	check(t, server.Await("peer-terminated"))
	if code, err := server.Stop(); err != nil || code != 0 {
		t.Errorf("the server's container ended with %d: %v", code, err)
	}
}

// TestDialsReadOnly: a read-only root is no error, as long as there is a directory for pid files
// and the like, and no other files are configured.
func TestDialsReadOnly(t *testing.T) {
	roottest.Need(t, "nsenter")
	near, far := hosts(t)
	serve(t, far)
	c := client("eth0", "user", "testuser", "noauth", "defaultroute")
	c.Run = true
	c.Sysctls = map[string]string{
		"net/ipv6/conf/default/accept_ra":     "0", // the client handles router advertisements itself
		"net/ipv4/ip_unprivileged_port_start": "0", // for DHCPv6; Docker's default
	}
	p := run(t, near, c)
	check(t, p.Await("remote IP address 192.0.2.1\n"))
	wantStatus(t, p)
	wantSession(t, near, far, p)
	for _, complaint := range []string{"read-only", "no such file", "not permitted", "denied", "not supported"} {
		if strings.Contains(p.Log(), complaint) {
			t.Errorf("the client complains (%s):\n%s", complaint, p.Log())
		}
	}
}

// TestDialsWithoutIPv6: engines disable IPv6 in containers whose network has none.
func TestDialsWithoutIPv6(t *testing.T) {
	near, far := hosts(t)
	serve(t, far)
	c := client("eth0", "user", "testuser", "noauth", "defaultroute")
	c.Sysctls = map[string]string{"net/ipv6/conf/all/disable_ipv6": "1", "net/ipv6/conf/default/disable_ipv6": "1"}
	wantSession(t, near, far, run(t, near, c))
}

// wantStatus waits until the client's status in a container has its address, from within, as docker exec does: the
// client logs an event before its status has it.
func wantStatus(t *testing.T, p *lab.Program) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		out, err := exec.Command("nsenter", "-t", strconv.Itoa(p.PID()), "-m", "-p", "-n", minimal.entrypoint[0], "status").CombinedOutput()
		switch {
		case err == nil && strings.Contains(string(out), "192.0.2.10"):
			return
		case time.Now().After(end):
			t.Fatalf("pppoe-client status: %v\n%s", err, out)
		}
	}
}

// TestTerminatesStaleSession: with a volume, the next container terminates the session that was
// open when the engine killed the last one.
func TestTerminatesStaleSession(t *testing.T) {
	near, far := hosts(t)
	server := serve(t, far)
	c := client("eth0", "user", "testuser", "noauth", "no-adopt")
	c.State = t.TempDir()
	first := run(t, near, c)
	check(t, first.Await("remote IP address 192.0.2.1\n"))
	awaitRecord(t, c.State)
	first.Kill()
	again := run(t, near, c)
	check(t, again.Await("remote IP address 192.0.2.1\n"))
	check(t, server.Await("Session 1 closed .*: hangup"))
	if code, err := again.Stop(); err != nil || code != 5 {
		t.Errorf("the container ended with %d, want 5 (ended by a signal): %v", code, err)
	}
}

// awaitRecord waits until the client has recorded its session, which it does asynchronously.
func awaitRecord(t *testing.T, dir string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if text, err := os.ReadFile(filepath.Join(dir, "eth0.0.json")); err == nil && bytes.Contains(text, []byte(`"session_id":1,`)) {
			return
		}
	}
	t.Fatal("the client has not noted its session")
}

// TestCallPeer: with /etc/ppp from the host.
func TestCallPeer(t *testing.T) {
	near, far := hosts(t)
	serve(t, far)
	c := client("call", "isp")
	c.Env = nil
	c.Files = files(t, map[string]string{
		"peers/isp":    "plugin rp-pppoe.so\neth0\nuser testuser\nnoauth\nusepeerdns\ndefaultroute\n",
		"chap-secrets": "\"testuser\" * \"testpassword\" *\n",
	})
	wantSession(t, near, far, run(t, near, c))
}

// TestDiscovery: discovery needs CAP_NET_RAW only.
func TestDiscovery(t *testing.T) {
	near, far := hosts(t)
	serve(t, far)
	c := client("pppoe-discovery", "-I", "eth0", "--first")
	c.Caps, c.TUN = []int{unix.CAP_NET_RAW}, false
	p := run(t, near, c)
	if code, err := p.Wait(); err != nil || code != 0 || !strings.Contains(p.Log(), "Access-Concentrator: box\n") {
		t.Errorf("pppoe-discovery ended with %d: %v", code, err)
	}
}

// TestMissingPrivileges: errors name what the engine did not grant.
func TestMissingPrivileges(t *testing.T) {
	near, far := hosts(t)
	serve(t, far)
	for _, c := range []struct {
		name string
		caps []int
		tun  bool
		code int
		says string
	}{
		{"no capability", nil, true, 3, "CAP_NET_"},
		{"no NET_RAW", []int{unix.CAP_NET_ADMIN}, true, 3, "CAP_NET_RAW"},
		{"no NET_ADMIN", []int{unix.CAP_NET_RAW}, true, 3, "CAP_NET_ADMIN"},
		{"no TUN", requiredCaps, false, 4, "/dev/net/tun"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := client("eth0", "user", "testuser", "noauth")
			s.Caps, s.TUN = c.caps, c.tun
			p := run(t, near, s)
			if code, err := p.Wait(); err != nil || code != c.code || !strings.Contains(p.Log(), c.says) {
				t.Errorf("the container ended with %d, want %d and to hear of %s: %v\n%s", code, c.code, c.says, err, p.Log())
			}
		})
	}
}
