package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/test/lab"
)

// rpServer starts the real pppoe-server in the guest; it runs pppd for each session.
// Addresses and accounts are those that our server has in these tests.
func (b *bench) rpServer(options string) {
	b.t.Helper()
	b.guest.must(fmt.Sprintf(`
printf '%%s\n' %s 'ms-dns 192.0.2.53' 'ms-dns 192.0.2.54' debug 'logfile /run/server.log' > /etc/ppp/pppoe-server-options
echo '"testuser" * "testpassword" *' > /etc/ppp/chap-secrets
echo '"testuser" * "testpassword" *' > /etc/ppp/pap-secrets
chmod 600 /etc/ppp/*-secrets
rm -f /run/server.log
pppoe-server -I vec0 -L 192.0.2.1 -R 192.0.2.10 -C real -F > /run/server.out 2>&1 &
sleep 0.2
`, options))
	b.t.Cleanup(func() {
		b.guest.run("pkill pppoe-server; for i in $(seq 100); do pgrep -x 'pppoe-server|pppd|pppoe' > /dev/null || exit 0; sleep 0.1; done; pkill -9 pppd")
	})
}

// dial starts our client on the bench's segment.
func (b *bench) dial(in *lab.Namespace, iface, password string, words ...string) *program {
	b.t.Helper()
	file := filepath.Join(b.t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		b.t.Fatal(err)
	}
	args := append([]string{iface, "user", "testuser", "password-file", file, "noauth", "debug", "nodetach"}, words...)
	return start(b.t, in, "pppoe-client", args...)
}

// TestOurClientDialsRealServer: our client against rp-pppoe's pppoe-server with pppd
// behind it.
func TestOurClientDialsRealServer(t *testing.T) {
	b := newBench(t)
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) { b.with(t).clientDials(m.require, m.log) })
	}
	t.Run("wrong password", func(t *testing.T) {
		b := b.with(t)
		b.rpServer("require-chap")
		client := b.dial(b.ours, "eth0", "wrong")
		if code := client.wait(); code != 19 {
			t.Errorf("our client ended with %d, want 19 (authentication failed); it said:\n%s", code, client.log())
		}
	})
}

func (b *bench) clientDials(require, auth string) {
	b.t.Helper()
	b.rpServer(require)
	client := b.dial(b.ours, "eth0", "testpassword", "usepeerdns")
	client.await("secondary DNS address 192.0.2.54\n")
	client.await("remote LL address")
	for _, want := range []string{
		auth, "local  IP address 192.0.2.10\n", "remote IP address 192.0.2.1\n",
		"primary   DNS address 192.0.2.53\n",
	} {
		if !strings.Contains(client.log(), want) {
			b.t.Errorf("our client does not say %q; it said:\n%s", want, client.log())
		}
	}
	b.guest.must("ping -c 2 -i 0.2 -W 5 192.0.2.10")
	b.pings4(b.ours)
	addr := b.guest.must("ip addr show ppp0")
	b.ping6(addr)
	if code := client.stop(); code != 5 {
		b.t.Errorf("our client ended with %d, want 5 (ended by a signal)", code)
	}
	b.guest.must("for i in $(seq 100); do grep -q 'LCP terminated by peer (User request)' /run/server.log && exit 0; sleep 0.1; done; cat /run/server.log; exit 1")
}

// TestDiscovery: each side's pppoe-discovery lists the other side's server.
func TestDiscovery(t *testing.T) {
	b := newBench(t)
	t.Run("real one lists ours", func(t *testing.T) {
		b := b.with(t)
		defer b.serve("require-chap").stop()
		out := b.guest.must("pppoe-discovery -I vec0 -a 1 -t 2")
		for _, want := range []string{"Access-Concentrator: ours\n", "AC-Ethernet-Address: 02:00:5e:00:53:10\n"} {
			if !strings.Contains(out, want) {
				t.Errorf("pppoe-discovery prints no %q:\n%s", want, out)
			}
		}
	})
	t.Run("ours lists the real one", func(t *testing.T) {
		b := b.with(t)
		b.rpServer("require-chap")
		probe := start(t, b.ours, "pppoe-discovery", "-I", "eth0", "-a", "2", "-t", "2")
		if code := probe.wait(); code != 0 {
			t.Errorf("our pppoe-discovery ended with %d, want 0", code)
		}
		if !strings.Contains(probe.log(), "Access-Concentrator: real\n") || !strings.Contains(probe.log(), "AC-Ethernet-Address: ") {
			t.Errorf("our pppoe-discovery prints:\n%s", probe.log())
		}
	})
	t.Run("ours says when there is none", func(t *testing.T) {
		probe := start(t, b.ours, "pppoe-discovery", "-I", "eth0", "-a", "1", "-t", "1")
		if code := probe.wait(); code != 1 {
			t.Errorf("our pppoe-discovery ended with %d, want 1", code)
		}
	})
}

// TestThroughRelay: rp-pppoe's pppoe-relay stands between, and marks what passes
// with Relay-Session-Id.
//
//	our client --- relay --- our server, or the real one
func TestThroughRelay(t *testing.T) {
	b := newBench(t)
	far := namespace(t)
	relay := namespace(t)
	// The relay takes our place at the guest's segment.
	if err := lab.Veth(lab.End{In: far, Name: "eth0", MAC: "02:00:5e:00:53:20"}, lab.End{In: relay, Name: "clients"}); err != nil {
		t.Fatal(err)
	}
	if err := lab.Veth(lab.End{In: relay, Name: "servers"}, lab.End{In: b.ours, Name: "eth1", MAC: "02:00:5e:00:53:21"}); err != nil {
		t.Fatal(err)
	}
	if err := b.ours.Bridge("br0", "eth0", "eth1"); err != nil {
		t.Fatal(err)
	}
	stop := b.runRelay(relay)
	defer stop()
	t.Run("to our server", func(t *testing.T) {
		b := b.with(t)
		server := b.serve("require-chap", "-I", "br0")
		b.throughRelay(far)
		server.await("relay-session-id")
	})
	t.Run("to the real server", func(t *testing.T) {
		b := b.with(t)
		b.rpServer("require-chap")
		b.throughRelay(far)
	})
}

func (b *bench) throughRelay(far *lab.Namespace) {
	b.t.Helper()
	client := b.dial(far, "eth0", "testpassword")
	client.await("remote IP address 192.0.2.1\n")
	client.await("relay-session-id|remote LL address")
	b.pings4(far)
	if code := client.stop(); code != 5 {
		b.t.Errorf("our client ended with %d, want 5 (ended by a signal)", code)
	}
}
