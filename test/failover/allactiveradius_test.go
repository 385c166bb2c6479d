package failover

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/test/freeradius"
)

// byRADIUS is what a configuration has for users of a RADIUS server.
const byRADIUS = `
[[radius-server]]
address = "10.8.0.1"
secret = %[1]q
[radius]
timeout = "500ms"
[accounting]
spool = "%[2]s/accounting.db"
interim-interval = "1s"
[coa]
listen = "0.0.0.0:3799"
[[coa-client]]
address = "10.8.0.1"
secret = %[1]q
`

// addRADIUS starts a RADIUS server in the core, and makes the servers ask it.
func (w *testbed) addRADIUS(users string) *freeradius.Server {
	w.t.Helper()
	roottest.Need(w.t, freeradius.Program, "radclient")
	f := freeradius.Start(w.t, freeradius.Options{
		Users: users, Addr: netip.MustParseAddr(target), Launch: func(cmd *exec.Cmd) error { return w.core.Start(cmd) },
	})
	for _, s := range w.servers {
		text, err := os.ReadFile(s.config)
		check(w.t, err)
		check(w.t, os.WriteFile(s.config, fmt.Appendf(text, byRADIUS, freeradius.Secret, filepath.Join(w.dir, s.name)), 0o600))
	}
	return f
}

// change sends a server a CoA-Request from the RADIUS server, and returns the answer.
func (w *testbed) change(s *server, attributes string) string {
	w.t.Helper()
	file := filepath.Join(w.dir, "request")
	check(w.t, os.WriteFile(file, []byte(attributes+"\n"), 0o600))
	at := map[string]string{"a": "10.8.0.2", "b": "10.8.0.3"}[s.name]
	out, _ := w.core.Run("radclient", "-x", "-r", "1", "-t", "8", "-f", file, at+":3799", "coa", freeradius.Secret)
	return out
}

func (w *testbed) wantAnswer(s *server, attributes, want string) {
	w.t.Helper()
	if out := w.change(s, attributes); !strings.Contains(out, want) {
		w.t.Errorf("server %s, %s: want %q in\n%s", s.name, attributes, want, out)
	}
}

// awaitRoutes waits until each of some prefixes is routed by just one of the servers, to its sessions.
func (w *testbed) awaitRoutes(want map[string]*server) {
	w.t.Helper()
	w.await(fmt.Sprintf("routes of %d prefixes", len(want)), func() bool {
		for prefix, by := range want {
			for _, s := range w.servers {
				out, err := s.ns.Run("ip", "route", "show", prefix)
				check(w.t, err)
				if strings.Contains(out, "pppoe0") != (s == by) {
					return false
				}
			}
		}
		return true
	})
}

// TestAllActiveCoA: a framed route that a CoA-Request gives to a session is claimed in etcd first: it is refused at the
// other server then, by CoA and at a login; once it is taken away, another can have it. While etcd is away such a
// request is refused, and another is not. What was given is claimed after a restart, too.
func TestAllActiveCoA(t *testing.T) {
	const x, y, z = "203.0.113.0/29", "203.0.113.8/29", "203.0.113.16/29"
	w := newTestbed(t, 64, "auto")
	w.configureBoth("0", append(ownNames, `duplicate = "replace"`, `duplicate = "allow"`)...)
	w.addRADIUS("alice Cleartext-Password := secret\n\nbob Cleartext-Password := secret\n\ncarol Cleartext-Password := secret\n\tFramed-Route = \"" + x + "\"\n")
	a, b := w.servers["a"], w.servers["b"]
	w.serve(a)
	w.serve(b)
	c := w.callers()
	c.dialAt(a, "alice", mac(1))
	c.dialAt(b, "bob", mac(2))
	w.awaitClients(mac(1), mac(2))
	route := func(user string, routes ...string) string {
		text := "User-Name = " + user
		for _, r := range routes {
			text += `, Framed-Route = "` + r + `"`
		}
		return text
	}
	const ack, nak = "Received CoA-ACK", "Error-Cause = Resources-Unavailable"
	w.wantAnswer(a, route("alice", x), ack)
	if out := w.change(b, route("bob", y, x)); !strings.Contains(out, nak) || !strings.Contains(out, "framed route "+x+" is in use at machine a") {
		t.Errorf("a route that the other server has: %s", out)
	}
	w.awaitRoutes(map[string]*server{x: a, y: nil})
	p := c.dialAt(b, "carol", mac(3))
	w.await("the refusal of carol", func() bool { return b.count("framed route "+x+" is in use at machine a") > 0 })
	p.Kill()
	w.killStored(a)
	w.serve(a)
	w.awaitClients(mac(1), mac(2))
	w.wantAnswer(b, route("bob", x), nak)
	w.wantAnswer(a, route("alice", y), ack)
	w.wantAnswer(b, route("bob", x), ack)
	w.awaitRoutes(map[string]*server{x: b, y: a})

	w.etcdAway(a)
	w.await("etcd away", func() bool { return w.state(b).Etcd == "away" })
	if out := w.change(a, route("alice", z)); !strings.Contains(out, nak) || !strings.Contains(out, "etcd does not answer") {
		t.Errorf("while etcd is away: %s", out)
	}
	w.wantAnswer(a, `User-Name = alice, Mikrotik-Rate-Limit = "3M/4M"`, ack)
	w.launchEtcd("http")
	w.await("etcd back", func() bool { return w.state(a).Etcd == "connected" && w.state(b).Etcd == "connected" })
	w.wantAnswer(a, route("alice", z), ack)
	w.wantAnswer(b, route("bob", y), ack)
	w.awaitRoutes(map[string]*server{x: nil, y: b, z: a})
}
