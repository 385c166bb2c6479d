package carriers

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"upppoe/test/lab"
)

// The address and the accounts of every server.
const serverIP = "192.0.2.1"

var etc = map[string]string{
	"pppoe-server-options": "require-chap\n",
	"chap-secrets":         "\"testuser\" * \"testpassword\" *\n",
}

// dialAll dials from each client of a segment, and checks the sessions.
func dialAll(t *testing.T, s segment, mtu int) {
	server := serve(t, s.server)
	for _, c := range s.clients {
		discover(t, c)
	}
	var clients []*client
	for _, c := range s.clients {
		clients = append(clients, dial(t, c))
	}
	for i, c := range clients {
		session := fmt.Sprintf("ppp%d", i)
		check(t, server.Await(session+": remote IP address "+c.address))
		checkMTU(t, c.at.in, "ppp0", mtu)
		checkMTU(t, s.server.in, session, mtu)
		ping(t, c.at.in, serverIP, mtu)
		ping(t, s.server.in, c.address, mtu)
	}
	for i, c := range clients {
		c.hangUp(t)
		check(t, server.Await(fmt.Sprintf(`Session %d closed .*: peer-terminated`, i+1)))
	}
	if code, err := server.Stop(); err != nil || code != 0 {
		t.Errorf("the server ended with %d: %v; it said:\n%s", code, err, server.Log())
	}
}

// start starts one of our programs with files in /etc/ppp and private directories, and stops it at
// the end of the test.
func start(t testing.TB, in *lab.Namespace, name string, args ...string) *lab.Program {
	t.Helper()
	dir := t.TempDir()
	for file, text := range etc {
		check(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
	}
	cmd := exec.Command(filepath.Join(bin, name), args...)
	p, err := in.Launch(cmd, lab.BindMount{Source: dir, Target: "/etc/ppp"}, lab.BindMount{Source: t.TempDir(), Target: "/var/lib"},
		lab.BindMount{Source: t.TempDir(), Target: "/run"}) // /run comes last: it has a guest's temporary files
	check(t, err)
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.Log())
		}
	})
	return p
}

func serve(t testing.TB, at port) *lab.Program {
	t.Helper()
	server := start(t, at.in, "pppoe-server", "-I", at.name, "-L", serverIP, "-R", "192.0.2.10", "-C", "carrier-ac", "-F", "-d")
	check(t, server.Await("Serving on "+at.name))
	return server
}

// discover checks that pppoe-discovery finds the server.
func discover(t testing.TB, at port) {
	t.Helper()
	args := []string{"-I", at.name, "--first"}
	if at.vlan != "" {
		args = append(args, "--vlan", at.vlan)
	}
	out, err := at.in.Run(filepath.Join(bin, "pppoe-discovery"), args...)
	if err != nil || !strings.Contains(out, "Access-Concentrator: carrier-ac\n") {
		t.Errorf("pppoe-discovery on %s: %v\n%s", at.name, err, out)
	}
}

// client is a client that is online.
type client struct {
	*lab.Program
	at      port
	address string
}

// options are the client's, after the interface.
var options = []string{"user", "testuser", "password", "testpassword", "noauth", "debug", "nodetach"}

func dial(t testing.TB, at port) *client {
	t.Helper()
	args := append([]string{at.name}, options...)
	if at.vlan != "" {
		args = append(args, "vlan", at.vlan)
	}
	p := start(t, at.in, "pppoe-client", args...)
	check(t, p.Await("remote IP address "+serverIP+"\n"))
	local := regexp.MustCompile(`local  IP address (\S+)\n`).FindStringSubmatch(p.Log())
	if local == nil {
		t.Fatalf("the client has no address:\n%s", p.Log())
	}
	return &client{p, at, local[1]}
}

// hangUp ends the client by SIGTERM, which removes its device.
func (c *client) hangUp(t testing.TB) {
	t.Helper()
	if code, err := c.Stop(); err != nil || code != 5 {
		t.Errorf("the client ended with %d, want 5 (ended by a signal): %v", code, err)
	}
	if _, err := c.at.in.MTU("ppp0"); err == nil {
		t.Error("the client has ended, and left ppp0")
	}
}

func checkMTU(t testing.TB, in *lab.Namespace, name string, want int) {
	t.Helper()
	if got, err := in.MTU(name); err != nil || got != want {
		t.Errorf("%s has MTU %d, want %d: %v", name, got, want, err)
	}
}

// headerLen is the length of the IPv4 and ICMP headers.
const headerLen = 20 + 8

// ping sends packets of the MTU's size that must not be fragmented (DF), and of one octet more,
// which must be rejected.
func ping(t testing.TB, from *lab.Namespace, to string, mtu int) {
	t.Helper()
	if _, err := from.Ping(netip.MustParseAddr(to), 1, 15*time.Second); err != nil {
		t.Errorf("%s: %v", to, err)
	}
	if out, err := pingSize(from, to, mtu-headerLen); err != nil {
		t.Errorf("no answer of %s to packets of %d octets: %v\n%s", to, mtu, err, out)
	}
	if out, err := pingSize(from, to, mtu-headerLen+1); err == nil || !strings.Contains(out, "mtu") {
		t.Errorf("packets of %d octets to %s should be refused: %v\n%s", mtu+1, to, err, out)
	}
}

// pingSize sends two packets, as ping waits long for the answer to a single rejected one.
func pingSize(from *lab.Namespace, to string, size int) (string, error) {
	return from.Run("ping", "-c", "2", "-i", "0.2", "-W", "2", "-M", "do", "-s", strconv.Itoa(size), to)
}
