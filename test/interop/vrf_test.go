package interop

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	uml "upppoe/test/guest"
	"upppoe/test/lab"
)

// vrfUser is a user whose session is in a VRF of our server, or in none.
type vrfUser struct {
	name, vrf string
	table     string
	addr      netip.Addr
	hosts     []netip.Addr   // of the client, in each of its prefixes
	host      *lab.Namespace // of the client
	client    *program
}

// inVRF makes programs use the VRF, and those that need none.
func (u *vrfUser) inVRF() string {
	if u.vrf == "" {
		return ""
	}
	return "-I " + u.vrf
}

// vrfServer is the guest in which our server runs.
const vrfServer = `
for vrf in "red 100" "blue 101"; do
	set -- $vrf
	ip link add $1 type vrf table $2 && ip link set $1 up && ip address add 2001:db8::$2/128 dev $1 || exit 1
done
ip address add 2001:db8::1/128 dev lo
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
# A host behind the server, in VRF red.
ip netns add uplink && ip link add uplink type veth peer eth0 netns uplink && ip link set uplink master red up || exit 1
ip address add 203.0.113.1/30 dev uplink
ip -n uplink address add 203.0.113.2/30 dev eth0
ip -n uplink link set eth0 up && ip -n uplink route add default via 203.0.113.1 || exit 1
cp /mnt/chap-secrets /etc/ppp/ && chmod 600 /etc/ppp/chap-secrets
echo require-chap > /etc/ppp/pppoe-server-options
ip route show > /run/before && ip -6 route show >> /run/before
cat > /run/serve <<'END'
BIN/pppoe-server -I vec0 -L 192.0.2.1 -R 192.0.2.100 -C ours -F --state /run/sessions.log --ipv6-networks 2001:db8:1::/48 --ipv6-prefixes 2001:db8:100::/40,56 >> /run/log/server 2>&1 &
echo $! > /run/server
END
# What the sessions have of the network.
cat > /run/network <<'END'
for table in 100 101 main; do
	for family in -4 -6; do ip $family route show table $table | grep ppp; done
done | sed 's/ linkdown//' | sort
for vrf in red blue; do echo $vrf: $(ip -o link show master $vrf | grep -o 'ppp[0-9]*:'); done
END
. /run/serve
for i in $(seq 300); do grep -q "Serving on vec0" /run/log/server && exit; sleep 0.1; done
cat /run/log/server
exit 1
`

// TestVRFs: sessions of our server are in the VRFs of their accounts: their addresses, framed routes and
// delegated prefixes, of which two VRFs have the same ones, are in its table, and go with the session.
// Packets pass within a VRF, and not between them. Over an upgrade, and after a kill, all that is the same.
func TestVRFs(t *testing.T) {
	t.Parallel() // guests mostly wait
	need(t)
	users := []*vrfUser{
		{name: "alice", vrf: "red", table: "100", addr: netip.MustParseAddr("192.0.2.11")},
		{name: "bob", vrf: "blue", table: "101", addr: netip.MustParseAddr("192.0.2.12")},
		{name: "carol", table: "main", addr: netip.MustParseAddr("192.0.2.13")},
	}
	secrets := "dave * pw * -- vrf green\n"
	for _, u := range users {
		secrets += fmt.Sprintf("%s * pw %v -- framed-route 198.51.100.0/29", u.name, u.addr)
		if u.vrf != "" {
			secrets += " vrf " + u.vrf
		}
		secrets += "\n"
	}
	s := newSegment(t)
	g := &guest{uml.Boot(t, uml.Config{Bin: bin, Namespace: s.host(t, ""), Port: "eth0", Modules: []string{"ipv6", "tun", "af_packet", "veth", "vrf", "sch_ingress", "cls_bpf"}})}
	check(t, os.WriteFile(filepath.Join(g.Dir(), "chap-secrets"), []byte(secrets), 0o600))
	g.must(t, strings.ReplaceAll(vrfServer, "BIN", bin))
	for i, u := range users {
		u.host = s.host(t, fmt.Sprintf("02:00:5e:00:53:2%d", i))
		u.client = vrfDial(t, u.host, u.name)
	}
	for _, u := range users {
		u.wantRoutes(t, g)
	}
	wantPass(t, g, users)
	g.wantSessions(t, users)
	g.must(t, "sh /run/network > /run/network.before; cat /run/network.before")
	for _, replace := range []string{
		bin + "/pppoe-server upgrade",
		"pkill -9 -x pppoe-server; while pgrep -x pppoe-server; do sleep 0.1; done; echo > /run/log/server; . /run/serve; " +
			"for i in $(seq 300); do grep -q 'Adopted 3 sessions' /run/log/server && exit; sleep 0.1; done; cat /run/log/server; exit 1",
	} {
		g.must(t, replace)
		g.must(t, "for i in $(seq 300); do sh /run/network | cmp -s - /run/network.before && exit; sleep 0.1; done; sh /run/network | diff /run/network.before -; cat /run/log/server; exit 1")
		wantPass(t, g, users)
		g.wantSessions(t, users)
	}

	dave := vrfDial(t, s.host(t, "02:00:5e:00:53:30"), "dave")
	dave.await(t, "CHAP authentication failed")
	// The server's log is written after the Failure is sent.
	g.must(t, waitForFunc+`wait_for grep -q 'VRF green does not exist: ip link add green type vrf table N' /run/log/server || { cat /run/log/server; exit 1; }`)

	for _, u := range users {
		u.client.stop(t)
	}
	g.must(t, `
for i in $(seq 300); do
	left="$(for table in 100 101; do ip route show table $table; ip -6 route show table $table; done | grep ppp)"
	{ ip route show; ip -6 route show; } > /run/after
	[ -z "$left" ] && cmp -s /run/before /run/after && break
	sleep 0.1
done
echo "$left"
[ -z "$left" ] && diff /run/before /run/after && kill $(cat /run/server)
`)
}

// vrfDial starts a client that requests a delegated prefix.
func vrfDial(t *testing.T, in *lab.Namespace, user string) *program {
	t.Helper()
	peer := "eth0\nuser " + user + "\npassword pw\nnodetach\nmaxfail 1\ndefaultroute\ndefaultroute6\ndhcp6-prefix 56\nstate-dir " + t.TempDir() + "\n"
	return start(t, in, map[string]string{"peers/isp": "plugin rp-pppoe.so\n" + peer}, "pppoe-client", "call", "isp")
}

// wantRoutes waits until a session has all routes in the table of its VRF, and gives its client an address
// in each prefix.
func (u *vrfUser) wantRoutes(t *testing.T, g *guest) {
	t.Helper()
	code, out := g.run(t, strings.NewReplacer("TABLE", u.table, "ADDR", u.addr.String()).Replace(`
has() { "$@" | grep "dev ${device:-none} "; }
for i in $(seq 300); do
	device=$(ip route show table TABLE ADDR | sed -n 's/.* dev \(ppp[0-9]*\).*/\1/p')
	delegated=$(has ip -6 route show table TABLE | grep -o '^2001:db8:1..:[0-9a-f:]*/56')
	[ -n "$delegated" ] && [ -n "$(has ip route show table TABLE 198.51.100.0/29)" ] &&
		has ip -6 route show table TABLE | grep -q '^2001:db8:1:[0-9a-f:]*/64' && echo $delegated && exit
	sleep 0.1
done
ip route show table all; ip -6 route show table all; cat /run/log/server
exit 1
`))
	if code != 0 {
		t.Fatalf("%s has no routes in table %s:\n%s\nIts client said:\n%s", u.name, u.table, out, u.client.log())
	}
	delegated, err := netip.ParsePrefix(strings.TrimSpace(out))
	check(t, err)
	u.hosts = []netip.Addr{u.addr, netip.MustParseAddr("198.51.100.1"), delegated.Addr().Next()}
	for _, a := range u.hosts[1:] {
		check(t, u.host.Address("lo", netip.PrefixFrom(a, a.BitLen()).String()))
	}
}

// wantPass pings each client's hosts from the server, each by its VRF, and those that must not be reached.
func wantPass(t *testing.T, g *guest, users []*vrfUser) {
	t.Helper()
	script := ""
	for _, u := range users {
		for _, a := range u.hosts {
			script += fmt.Sprintf("ping -q -c 1 -W 5 %s %v || fail=1\n", u.inVRF(), a)
		}
	}
	alice := users[0].addr
	script += fmt.Sprintf("ip netns exec uplink ping -q -c 1 -W 5 %v || fail=1\n", alice)
	script += fmt.Sprintf("ip route get %v && fail=1; ip route get vrf blue %[1]v && fail=1; exit $fail\n", alice)
	g.must(t, "fail=0\n"+script)
	ping(t, users[0].host, netip.MustParseAddr("203.0.113.2"))
	for _, u := range users {
		ping(t, u.host, serverIP)
	}
}

// wantSessions checks what the server says of the sessions.
func (g *guest) wantSessions(t *testing.T, users []*vrfUser) {
	t.Helper()
	for _, u := range users {
		one, all := g.must(t, bin+"/pppoe-server session "+u.name), g.must(t, bin+"/pppoe-server sessions --json")
		if strings.Contains(one, "VRF         "+u.vrf+"\n") != (u.vrf != "") || u.vrf != "" && !strings.Contains(all, `"vrf":"`+u.vrf+`"`) {
			t.Errorf("of %s, in VRF %q: %s\n%s", u.name, u.vrf, one, all)
		}
	}
}
