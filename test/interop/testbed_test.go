// Package interop tests our programs against the real ones: pppd with the kernel's PPPoE, and
// rp-pppoe. They run in User-Mode Linux guests, as few test machines have a kernel with PPP. It
// needs root and the programs in guest.Programs, and takes about two minutes.
//
//	our program --- veth --- bridge --- veth --- vec0 of the guest
package interop

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"testing"
	"time"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// bin is the directory of our compiled programs.
var bin string

func TestMain(m *testing.M) {
	prepare := func(dir string) error { bin = dir; return nil }
	os.Exit(labtest.Main(m, prepare, "./cmd/pppoe-client", "./cmd/pppoe-server", "./cmd/pppoe-discovery",
		"./test/guest/umlrun", "./test/interop/lanhost"))
}

// need skips a test on a machine without the real programs.
func need(t testing.TB) {
	t.Helper()
	roottest.Need(t, "linux.uml", "pppd", "pppoe-server", "pppoe-discovery", "pppoe-relay", "modprobe", "ip", "ping")
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// segment is an Ethernet segment: a bridge in its own namespace.
type segment struct {
	wire  *lab.Namespace
	ports int
}

const bridge = "br0"

func newSegment(t testing.TB) *segment {
	t.Helper()
	s := &segment{wire: labtest.Namespace(t)}
	check(t, s.wire.Bridge(bridge))
	return s
}

// plug connects an interface of a namespace to the segment.
func (s *segment) plug(t testing.TB, n *lab.Namespace, name, mac string) {
	t.Helper()
	port := s.port()
	check(t, lab.Veth(lab.End{In: n, Name: name, MAC: mac}, lab.End{In: s.wire, Name: port}))
	check(t, s.wire.AddBridgePorts(bridge, port))
}

// host makes a namespace for our programs, whose eth0 is on the segment.
func (s *segment) host(t testing.TB, mac string) *lab.Namespace {
	t.Helper()
	n := labtest.Namespace(t)
	s.plug(t, n, "eth0", mac)
	return n
}

// guest boots a guest for the real programs, whose vec0 is on the segment.
func (s *segment) guest(t testing.TB) *guest {
	t.Helper()
	return boot(t, s.host(t, ""), "eth0")
}

func (s *segment) port() string {
	s.ports++
	return fmt.Sprintf("port%d", s.ports)
}

// ourMAC is the address of our programs if there is one guest only.
const ourMAC = "02:00:5e:00:53:10"

// newBench makes a segment with a guest and a namespace for our programs.
func newBench(t testing.TB) (ours *lab.Namespace, real *guest) {
	t.Helper()
	need(t)
	s := newSegment(t)
	return s.host(t, ourMAC), s.guest(t)
}

// The addresses of every session.
var (
	serverIP = netip.MustParseAddr("192.0.2.1")
	clientIP = netip.MustParseAddr("192.0.2.10")
)

// method is an authentication protocol.
type method struct {
	name    string
	require string // in a file of options
	option  string // in LCP, as debug logs print it
	by      string // in the log line "failed ... authentication"
}

var methods = []method{
	{"chap-md5", "require-chap", "<auth chap MD5>", "CHAP"},
	{"mschap-v2", "require-mschap-v2", "<auth chap MS-v2>", "CHAP"},
	{"pap", "require-pap", "<auth pap>", "PAP"},
	{"eap-md5", "require-eap", "<auth eap>", "EAP"},
}

const correctPassword, wrongPassword = "testpassword", "wrong"

// accounts is a secrets file.
const accounts = "\"testuser\" * \"" + correctPassword + "\" *\n"

// linkLocal matches a session's pair of addresses in the output of `ip addr`.
var linkLocal = regexp.MustCompile(`inet6 (fe80::\S+) peer (fe80::[^/]+)/128`)

// pingBothWays pings through a session that has ppp0 at both ends: IPv4 and IPv6, from the guest
// and from our side.
func pingBothWays(t testing.TB, g *guest, ours *lab.Namespace, guestIP, ourIP netip.Addr) {
	t.Helper()
	shown := g.must(t, "ip addr show ppp0")
	pair := linkLocal.FindStringSubmatch(shown)
	if pair == nil {
		t.Fatalf("the guest's ppp0 has no pair of link-local addresses:\n%s", shown)
	}
	g.ping(t, ourIP.String())
	g.ping(t, pair[2]+"%ppp0")
	ping(t, ours, guestIP)
	ping(t, ours, netip.MustParseAddr(pair[1]).WithZone("ppp0"))
}

func ping(t testing.TB, from *lab.Namespace, to netip.Addr) {
	t.Helper()
	if _, err := from.Ping(to, 1, 15*time.Second); err != nil {
		t.Errorf("pinged from our side: %v", err)
	}
}
