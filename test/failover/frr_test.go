package failover

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// frrDirectory is where Debian's package has the daemons.
const frrDirectory = "/usr/lib/frr/"

// TestFRR: the scripts of the documentation announce the pool while the machine is active, or the blocks that it has
// leased, by Debian's FRR.
func TestFRR(t *testing.T) {
	t.Parallel() // it mostly waits
	roottest.Need(t, frrDirectory+"zebra", frrDirectory+"bgpd", "vtysh", "ip", "nsenter")
	core, bng := labtest.Namespace(t), labtest.Namespace(t)
	check(t, lab.Veth(lab.End{In: core, Name: "eth0"}, lab.End{In: bng, Name: "eth0"}))
	check(t, core.Address("eth0", "198.51.100.1/24"))
	check(t, bng.Address("eth0", "198.51.100.2/24"))
	startFRR(t, core, "router bgp 64511\n no bgp ebgp-requires-policy\n neighbor 198.51.100.2 remote-as 64512\n")
	sockets := startFRR(t, bng, documented(t, "# /etc/frr/frr.conf"))
	for _, state := range []string{"active", "standby", "active"} {
		runDocumented(t, sockets, "# /etc/upppoe/cluster-changed", "UPPPOE_STATE="+state)
		awaitRoute(t, core, "203.0.113.0/24 ", state == "active")
	}
	for _, state := range []string{"leased", "returned"} {
		runDocumented(t, sockets, "# /etc/upppoe/block-changed", "UPPPOE_STATE="+state, "UPPPOE_BLOCK=172.16.0.64/26")
		awaitRoute(t, core, "172.16.0.64/26 ", state == "leased")
	}
}

// runDocumented runs a script of the documentation with an environment.
func runDocumented(t *testing.T, sockets, begin string, env ...string) {
	t.Helper()
	script := filepath.Join(t.TempDir(), "changed")
	text := strings.Replace(documented(t, "#!/bin/sh\n"+begin), "exec vtysh", "exec vtysh --vty_socket "+sockets, 1)
	check(t, os.WriteFile(script, []byte(text), 0o755))
	cmd := exec.Command("sh", script)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", begin, env, err, out)
	}
}

// documented returns the block of the documentation that begins with a text.
func documented(t *testing.T, begin string) string {
	t.Helper()
	text, err := os.ReadFile("../../.github/docs/cluster.md")
	check(t, err)
	_, after, ok := strings.Cut(string(text), "\n"+begin)
	block, _, closed := strings.Cut(after, "\n```")
	if !ok || !closed {
		t.Fatalf("no block begins with %q", begin)
	}
	return begin + block + "\n"
}

// startFRR starts FRR's daemons for BGP, and returns the directory of their sockets.
func startFRR(t *testing.T, in *lab.Namespace, config string) (dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "frr") // t.TempDir's names may be too long for a socket
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	check(t, os.Chmod(dir, 0o777)) // the daemons run as user frr
	for _, daemon := range []string{"zebra", "bgpd"} {
		file := func(suffix string) string { return filepath.Join(dir, daemon+suffix) }
		check(t, os.WriteFile(file(".conf"), nil, 0o644))
		if daemon == "bgpd" {
			check(t, os.WriteFile(file(".conf"), []byte(config), 0o644))
		}
		p, err := in.Launch(exec.Command(frrDirectory+daemon, "-P", "0", "--log", "stdout", "--vty_socket", dir, "-z", filepath.Join(dir, "api"), "-i", file(".pid"), "-f", file(".conf")))
		check(t, err)
		t.Cleanup(func() { p.Kill() })
		awaitFile(t, p, file(".vty"))
	}
	return dir
}

// awaitFile waits until a daemon has made a file.
func awaitFile(t *testing.T, p *lab.Program, path string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("there is no %s; it said:\n%s", path, p.Log())
		}
	}
}

// awaitRoute waits until a machine has a route that begins with a text, or has it no more.
func awaitRoute(t *testing.T, in *lab.Namespace, route string, want bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		out, err := in.Run("ip", "route")
		if err == nil && strings.Contains(out, route) == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after 30 s the routes are %s, %v", out, err)
		}
	}
}
