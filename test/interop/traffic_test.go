package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// Networks behind the two ends of a session. Each host has number 2.
var (
	ourNets   = []string{"203.0.113.", "2001:db8:2::"}
	guestNets = []string{"198.51.100.", "2001:db8:1::"}
	masks     = []string{"/24", "/64"}
)

// sessionMTU is the MTU over an Ethernet of 1500.
const sessionMTU = "1492"

// TestTraffic sends traffic of hosts behind both ends of a session through each of our data
// paths; the other end is the kernel's PPPoE. All that arrives is compared with what was sent.
//
//	lanhost --- our program === PPPoE === pppd in the guest --- lanhost
func TestTraffic(t *testing.T) {
	t.Parallel() // guests mostly wait
	ours, real := newBench(t)
	host := addHost(t, ours)
	real.addHost(t)
	for _, path := range []string{"plain", "offload", "kernel"} {
		t.Run("pppd dials our server, "+path, func(t *testing.T) {
			server := serve(t, ours, "require-chap\ndatapath "+path)
			if code, told := real.dial(t, correctPassword); code != 0 {
				t.Fatalf("pppd ended with %d:\n%s\nOur server said:\n%s", code, told, server.log())
			}
			server.await(t, "remote IP address")
			server.await(t, "remote LL address")
			carry(t, real, ours, host, server, path)
			real.hangUp(t)
		})
		t.Run("our client dials pppoe-server, "+path, func(t *testing.T) {
			real.serveByKernel(t)
			client := dial(t, ours, correctPassword, "datapath "+path)
			client.await(t, "remote IP address")
			client.await(t, "remote LL address")
			real.awaitServerLog(t, "remote IP address")
			real.awaitServerLog(t, "remote LL address")
			carry(t, real, ours, host, client, path)
			client.hangUp(t)
		})
	}
}

// addHost connects a host behind our programs' namespace, which serves until the end of the test.
func addHost(t *testing.T, ours *lab.Namespace) (host *lab.Namespace) {
	t.Helper()
	host = labtest.Namespace(t)
	setSysctl(t, ours, "ipv4/ip_forward", "1")
	setSysctl(t, ours, "ipv6/conf/all/forwarding", "1")
	check(t, lab.Veth(lab.End{In: host, Name: "eth0"}, lab.End{In: ours, Name: "lan"}))
	for i, net := range ourNets {
		ip(t, host, "addr", "add", net+"2"+masks[i], "dev", "eth0", "nodad")
		ip(t, ours, "addr", "add", net+"1"+masks[i], "dev", "lan", "nodad")
		ip(t, host, "route", "add", "default", "via", net+"1")
	}
	p, err := host.Launch(exec.Command(filepath.Join(bin, "lanhost"), "serve", ourNets[0]+"2", ourNets[1]+"2"))
	check(t, err)
	t.Cleanup(func() { p.Stop() })
	check(t, p.Await("serving"))
	return host
}

func setSysctl(t *testing.T, n *lab.Namespace, name, value string) {
	t.Helper()
	check(t, n.Do(func() error { return os.WriteFile(filepath.Join("/proc/sys/net", name), []byte(value), 0) }))
}

func ip(t *testing.T, in *lab.Namespace, args ...string) {
	t.Helper()
	if out, err := in.Run("ip", args...); err != nil {
		t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
}

// addHost connects a host behind the guest.
func (g *guest) addHost(t *testing.T) {
	t.Helper()
	script := `set -e
ip netns add lan
sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip link add lan0 type veth peer name eth0 netns lan
ip link set lan0 up
ip -n lan link set lo up
ip -n lan link set eth0 up
`
	for i, net := range guestNets {
		script += "ip addr add " + net + "1" + masks[i] + " dev lan0 nodad\n" +
			"ip -n lan addr add " + net + "2" + masks[i] + " dev eth0 nodad\n" +
			"ip -n lan route add default via " + net + "1\n"
	}
	g.must(t, script)
}

// carry makes the hosts behind the guest and behind our program test each other.
func carry(t *testing.T, g *guest, ours, host *lab.Namespace, p *program, path string) {
	t.Helper()
	if path == "kernel" {
		p.await(t, "Packets go through the kernel")
	}
	routes := "grep -q vec0 /proc/net/pppoe\n" // a session of the kernel's PPPoE
	for i := range ourNets {
		ip(t, ours, "route", "add", guestNets[i]+"2", "dev", "ppp0")
		routes += "ip route add " + ourNets[i] + "2 dev ppp0\n"
	}
	g.must(t, "set -e\n"+routes)
	lanhost := filepath.Join(bin, "lanhost")
	code, out := g.run(t, "ip netns exec lan "+lanhost+" check "+sessionMTU+" "+ourNets[0]+"2 "+ourNets[1]+"2")
	if code != 0 {
		t.Errorf("behind the guest:\n%s\nOur program said:\n%s", out, p.log())
	}
	if out, err := host.Run(lanhost, "toobig", sessionMTU, guestNets[0]+"2", guestNets[1]+"2"); err != nil {
		t.Errorf("behind our program: %v\n%s", err, out)
	}
	if path != "kernel" && strings.Contains(p.log(), "Packets go through the kernel") {
		t.Errorf("packets go through the kernel, %s was asked for; our program said:\n%s", path, p.log())
	}
}

// serveByKernel starts the real pppoe-server with sessions in the kernel's PPPoE. Debian's can only
// use pppoe(8), for which it passes a command to pppd; so a script in place of pppd passes the
// session to pppd.
func (g *guest) serveByKernel(t *testing.T) {
	t.Helper()
	g.must(t, `cat > /run/pppd-kernel << 'END'
#!/bin/sh
session=$(echo "$2" | sed 's/.* -e \([^ ]*\) .*/\1/')
shift 2
exec pppd plugin rp-pppoe.so vec0 rp_pppoe_sess "$session" "$@"
END
chmod 755 /run/pppd-kernel`)
	g.serve(t, "require-chap", "-q", "/run/pppd-kernel")
}
