package interop

import (
	"testing"

	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// TestThroughRelay: rp-pppoe's pppoe-relay connects two segments, and adds Relay-Session-Id to
// what it forwards (RFC 2516 appendix A). The real client with the real server checks the
// segments and guests themselves.
//
//	clients: our namespace and a guest --- relay --- servers: our namespace and a guest
func TestThroughRelay(t *testing.T) {
	t.Parallel() // guests mostly wait
	need(t)
	clients, servers, relay := newSegment(t), newSegment(t), labtest.Namespace(t)
	clients.plug(t, relay, "clients", "")
	servers.plug(t, relay, "servers", "")
	near, far := clients.host(t, ourMAC), servers.host(t, "02:00:5e:00:53:20")
	realClient, realServer := clients.guest(t), servers.guest(t)

	t.Run("the real client to the real server", func(t *testing.T) {
		startRelay(t, relay, "clients", "servers")
		realServer.serve(t, "require-chap")
		realDials(t, realClient)
	})
	t.Run("the real client to our server", func(t *testing.T) {
		startRelay(t, relay, "clients", "servers")
		server := serve(t, far, "require-chap")
		realDials(t, realClient)
		server.await(t, `Recv PPPOE Discovery V1T1 PADR(?s:.*?)\[relay-session-id`)
	})
	t.Run("our client to the real server", func(t *testing.T) {
		startRelay(t, relay, "clients", "servers")
		realServer.serve(t, "require-chap")
		ourDials(t, near)
	})
	t.Run("our client to our server", func(t *testing.T) {
		startRelay(t, relay, "clients", "servers")
		server := serve(t, far, "require-chap")
		ourDials(t, near)
		server.await(t, `Recv PPPOE Discovery V1T1 PADR(?s:.*?)\[relay-session-id`)
	})
}

func realDials(t *testing.T, g *guest) {
	t.Helper()
	if code, told := g.dial(t, correctPassword); code != 0 {
		t.Fatalf("pppd ended with %d:\n%s", code, told)
	}
	g.ping(t, serverIP.String())
	g.hangUp(t)
}

func ourDials(t *testing.T, in *lab.Namespace) {
	t.Helper()
	client := dial(t, in, correctPassword)
	client.await(t, "remote IP address 192.0.2.1\n")
	ping(t, in, serverIP)
	client.hangUp(t)
}
