package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/test/lab"
)

// TestRealPppdDialsOurServer: the kernel's PPPoE and pppd against our server.
func TestRealPppdDialsOurServer(t *testing.T) {
	t.Parallel() // guests mostly wait
	ours, real := newBench(t)
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) { pppdDials(t, real, ours, m) })
		t.Run(m.name+" with a wrong password", func(t *testing.T) { pppdIsRejected(t, real, ours, m) })
	}
}

func pppdDials(t *testing.T, real *guest, ours *lab.Namespace, m method) {
	server := serve(t, ours, m.require)
	code, told := real.dial(t, correctPassword)
	if code != 0 {
		t.Fatalf("pppd ended with %d:\n%s\nOur server said:\n%s", code, told, server.log())
	}
	wantText(t, "pppd", told,
		m.option, "local  IP address 192.0.2.10\n", "remote IP address 192.0.2.1\n",
		"primary   DNS address 192.0.2.53\n", "secondary DNS address 192.0.2.54\n",
		"inet 192.0.2.10 peer 192.0.2.1/32", "nameserver 192.0.2.53\nnameserver 192.0.2.54\n")
	server.await(t, `Session 1 created for client`)
	server.await(t, `remote LL address`)
	pingBothWays(t, real, ours, clientIP, serverIP)
	real.hangUp(t)
	server.await(t, `LCP terminated by peer \(User request\)`)
	server.await(t, `Session 1 closed .*: peer-terminated`)
}

func pppdIsRejected(t *testing.T, real *guest, ours *lab.Namespace, m method) {
	server := serve(t, ours, m.require)
	if code, told := real.dial(t, wrongPassword); code != 19 {
		t.Errorf("pppd ended with %d, want 19 (we failed to authenticate):\n%s", code, told)
	}
	server.await(t, `Peer "testuser" failed `+m.by+` authentication`)
	server.await(t, `Session 1 closed .*: peer-not-authenticated`)
}

// TestOurClientDialsRealServer: our client against rp-pppoe's pppoe-server with pppd
// behind it.
func TestOurClientDialsRealServer(t *testing.T) {
	t.Parallel() // guests mostly wait
	ours, real := newBench(t)
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) { clientDials(t, ours, real, m) })
		t.Run(m.name+" with a wrong password", func(t *testing.T) { clientIsRejected(t, ours, real, m) })
	}
}

func clientDials(t *testing.T, ours *lab.Namespace, real *guest, m method) {
	real.serve(t, m.require)
	client := dial(t, ours, correctPassword)
	client.await(t, "secondary DNS address 192.0.2.54\n")
	client.await(t, "remote LL address")
	wantText(t, "our client", client.log(),
		m.option, "local  IP address 192.0.2.10\n", "remote IP address 192.0.2.1\n",
		"primary   DNS address 192.0.2.53\n")
	resolv, err := os.ReadFile(filepath.Join(client.etc, "resolv.conf"))
	check(t, err)
	wantText(t, "resolv.conf", string(resolv), "nameserver 192.0.2.53\nnameserver 192.0.2.54\n")
	real.awaitServerLog(t, "remote IP address")
	real.awaitServerLog(t, "remote LL address")
	pingBothWays(t, real, ours, serverIP, clientIP)
	client.hangUp(t)
	real.awaitServerLog(t, "LCP terminated by peer (User request)")
}

func clientIsRejected(t *testing.T, ours *lab.Namespace, real *guest, m method) {
	real.serve(t, m.require)
	client := dial(t, ours, wrongPassword)
	if code := client.wait(t); code != 19 {
		t.Errorf("our client ended with %d, want 19 (we failed to authenticate); it said:\n%s", code, client.log())
	}
	wantText(t, "our client", client.log(), m.by+" authentication failed")
}

// wantText checks that a text contains others.
func wantText(t testing.TB, what, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not show %q:\n%s", what, w, text)
		}
	}
}

// TestRealPppdKeepsSessionOfKilledServer: pppd goes on with its session when our server is killed and started
// again, and notices nothing.
func TestRealPppdKeepsSessionOfKilledServer(t *testing.T) {
	t.Parallel() // guests mostly wait
	ours, real := newBench(t)
	state := filepath.Join(t.TempDir(), "sessions.log")
	server := serve(t, ours, "require-chap", "--state", state)
	if code, told := real.dial(t, correctPassword); code != 0 {
		t.Fatalf("pppd ended with %d:\n%s\nOur server said:\n%s", code, told, server.log())
	}
	pingBothWays(t, real, ours, clientIP, serverIP)
	before := real.must(t, "pidof pppd; ip -o link show ppp0")
	for range 2 {
		server.Kill()
		server = serve(t, ours, "require-chap", "--state", state)
		server.await(t, "Adopted 1 sessions")
		server.await(t, "Session 1 continues for client")
		pingBothWays(t, real, ours, clientIP, serverIP)
	}
	if after := real.must(t, "pidof pppd; ip -o link show ppp0"); after != before {
		t.Errorf("pppd and its device were %q, and are %q", before, after)
	}
	if strings.Contains(server.log(), "ConfReq") {
		t.Errorf("there was a negotiation:\n%s", server.log())
	}
	real.hangUp(t)
	server.await(t, `Session 1 closed .*: peer-terminated`)
}
