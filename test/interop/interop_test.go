// Package interop holds our programs against the real ones: pppd with the kernel's
// PPPoE and rp-pppoe, which run in a User-Mode Linux guest, since few test machines
// have a kernel with PPP.
//
//	our program --- veth --- bridge --- tap --- vec0 of the guest
package interop

import (
	"bufio"
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// bin is where our programs are built.
var bin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "upppoe-interop-")
	if err == nil {
		bin = dir
		err = lab.Build("../..", dir, "./cmd/pppoe-client", "./cmd/pppoe-server", "./cmd/pppoe-discovery", "./test/interop/umlrun")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// bench is a guest and, on the same segment, a namespace for our programs.
type bench struct {
	t     testing.TB
	ours  *lab.Namespace // with interface eth0
	guest *guest
}

const tap = "tap0"

func newBench(t testing.TB) *bench {
	t.Helper()
	roottest.Need(t, "linux.uml", "pppd", "pppoe-server", "pppoe-discovery", "pppoe-relay", "modprobe", "ip", "ping")
	wire, ours := namespace(t), namespace(t)
	err := lab.Veth(lab.End{In: ours, Name: "eth0", MAC: "02:00:5e:00:53:10"}, lab.End{In: wire, Name: "veth0"})
	if err == nil {
		err = wire.Tap(tap)
	}
	if err == nil {
		err = wire.Bridge("br0", tap, "veth0")
	}
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t, ours, boot(t, wire, tap)}
}

func namespace(t testing.TB) *lab.Namespace {
	t.Helper()
	n, err := lab.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// program is one of ours while it runs.
type program struct {
	t     testing.TB
	name  string
	cmd   *exec.Cmd
	ended chan struct{}
	mu    sync.Mutex
	said  bytes.Buffer
	grown chan struct{} // has room for one: something was said
}

// start starts one of our programs in a namespace; it is ended with the test.
func start(t testing.TB, in *lab.Namespace, name string, args ...string) *program {
	t.Helper()
	p := &program{t: t, name: name, ended: make(chan struct{}), grown: make(chan struct{}, 1)}
	p.cmd = exec.Command(filepath.Join(bin, name), args...)
	out, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout = p.cmd.Stderr
	if err := in.Start(p.cmd); err != nil {
		t.Fatal(err)
	}
	// Ends with the program.
	go p.follow(bufio.NewScanner(out))
	t.Cleanup(func() { p.stop() })
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
func (p *program) await(pattern string) {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	timeout := time.After(30 * time.Second)
	for !re.MatchString(p.log()) {
		select {
		case <-p.grown:
		case <-timeout:
			p.t.Fatalf("%s has not said %q; it said:\n%s", p.name, pattern, p.log())
		}
	}
}

// wait waits until the program ends, and returns its exit code.
func (p *program) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(time.Minute):
		p.t.Fatalf("%s does not end; it said:\n%s", p.name, p.log())
		return -1
	}
}

// stop ends the program as somebody at a terminal would.
func (p *program) stop() int {
	p.t.Helper()
	p.cmd.Process.Signal(unix.SIGTERM)
	return p.wait()
}

// serve starts our server with accounts for testuser.
func (b *bench) serve(options string, more ...string) *program {
	b.t.Helper()
	etc := b.t.TempDir()
	for name, text := range map[string]string{
		"pppoe-server-options": options + "\nms-dns 192.0.2.53\nms-dns 192.0.2.54\ndebug\n",
		"chap-secrets":         "\"testuser\" * \"testpassword\" *\n",
		"pap-secrets":          "\"testuser\" * \"testpassword\" *\n",
	} {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	args := append([]string{"-I", "eth0", "-L", "192.0.2.1", "-R", "192.0.2.10", "-C", "ours", "-F", "--etc", etc}, more...)
	p := start(b.t, b.ours, "pppoe-server", args...)
	p.await("Serving on eth0")
	return p
}

// pppd dials with the real pppd, waits until it is up, and is hung up by hangUp.
const pppd = "pppd plugin rp-pppoe.so vec0 user testuser noauth usepeerdns debug updetach logfile /run/dial.log "

// dialUp waits for both families: pppd's updetach is content with one.
const dialUp = "rm -f /run/dial.log\n" + pppd + "password testpassword || { code=$?; cat /run/dial.log; exit $code; }" + `
for i in $(seq 100); do
	grep -q 'remote IP address' /run/dial.log && grep -q 'remote LL address' /run/dial.log && break
	sleep 0.1
done
cat /run/dial.log
ip addr show ppp0
cat /etc/ppp/resolv.conf
`

const hangUp = `
kill $(head -n 1 /run/ppp0.pid)
for i in $(seq 100); do [ -e /sys/class/net/ppp0 ] || exit 0; sleep 0.1; done
echo "ppp0 stays"; exit 1
`

var methods = []struct {
	name    string
	require string
	log     string // of pppd's debug log
}{
	{"chap-md5", "require-chap", "<auth chap MD5>"},
	{"mschap-v2", "require-mschap-v2", "<auth chap MS-v2>"},
	{"pap", "require-pap", "<auth pap>"},
	{"eap-md5", "require-eap", "<auth eap>"},
}

// TestRealPppdDialsOurServer: the kernel's PPPoE and pppd against our server.
func TestRealPppdDialsOurServer(t *testing.T) {
	b := newBench(t)
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) { b.with(t).pppdDials(m.require, m.log) })
	}
	t.Run("wrong password", func(t *testing.T) {
		b := b.with(t)
		server := b.serve("require-chap")
		code, out := b.guest.run("rm -f /run/dial.log; " + pppd + "password wrong; code=$?; cat /run/dial.log; exit $code")
		if code != 19 {
			t.Errorf("pppd ended with %d, want 19 (authentication failed):\n%s", code, out)
		}
		server.await(`Peer "testuser" failed CHAP authentication`)
		server.await(`Session 1 closed .*: peer-not-authenticated`)
	})
}

// with is the bench for a subtest.
func (b *bench) with(t testing.TB) *bench {
	c := *b
	c.t = t
	return &c
}

func (b *bench) pppdDials(require, auth string) {
	b.t.Helper()
	server := b.serve(require)
	defer server.stop()
	out := b.guest.must(dialUp)
	for _, want := range []string{
		auth, "local  IP address 192.0.2.10", "remote IP address 192.0.2.1",
		"primary   DNS address 192.0.2.53", "secondary DNS address 192.0.2.54",
		"inet 192.0.2.10 peer 192.0.2.1/32", "nameserver 192.0.2.53",
	} {
		if !strings.Contains(out, want) {
			b.t.Errorf("pppd shows no %q:\n%s", want, out)
		}
	}
	server.await(`Session 1 created for client`)
	server.await(`remote LL address`)
	b.pings(out)
	b.guest.must(hangUp)
	server.await(`LCP terminated by peer \(User request\)`)
	server.await(`Session 1 closed .*: peer-terminated`)
}

// peerLL finds the addresses in what `ip addr` shows.
var peerLL = regexp.MustCompile(`inet6 (fe80::\S+) peer (fe80::[^/]+)/128`)

// pings pings both ways, IPv4 and IPv6, while the guest's session is up.
func (b *bench) pings(addr string) {
	b.t.Helper()
	b.guest.must("ping -c 2 -i 0.2 -W 5 192.0.2.1")
	b.ping4(b.ours, "192.0.2.10")
	b.ping6(addr)
}

// pings4 pings the other side of the session from a namespace.
func (b *bench) pings4(from *lab.Namespace) { b.ping4(from, "192.0.2.1") }

func (b *bench) ping4(from *lab.Namespace, to string) {
	b.t.Helper()
	if _, err := from.Ping(netip.MustParseAddr(to), 1, 15*time.Second); err != nil {
		b.t.Errorf("IPv4 from our side: %v", err)
	}
}

// ping6 pings both ways between the link-local addresses that `ip addr` shows in the
// guest.
func (b *bench) ping6(addr string) {
	b.t.Helper()
	ll := peerLL.FindStringSubmatch(addr)
	if ll == nil {
		b.t.Fatalf("no pair of link-local addresses in\n%s", addr)
	}
	b.guest.must("ping -c 2 -i 0.2 -W 5 " + ll[2] + "%ppp0")
	if _, err := b.ours.Ping(netip.MustParseAddr(ll[1]).WithZone("ppp0"), 2, 15*time.Second); err != nil {
		b.t.Errorf("IPv6 from our side: %v", err)
	}
}

// runRelay starts the real pppoe-relay.
func (b *bench) runRelay(in *lab.Namespace) (stop func()) {
	b.t.Helper()
	cmd := exec.Command("pppoe-relay", "-C", "clients", "-S", "servers", "-F")
	if err := in.Start(cmd); err != nil {
		b.t.Fatal(err)
	}
	return func() { cmd.Process.Kill(); cmd.Wait() }
}
