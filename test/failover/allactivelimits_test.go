package failover

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"upppoe/test/lab"
)

// ownNames are changes of the configuration by which clients can choose a server.
var ownNames = []string{`ac-name = "bng"`, `ac-name = %[3]q`, `mode = "all-active"`, "mode = \"all-active\"\nprefix = \"/upppoe/bng/\""}

// dialAt starts a client of a server, which holds its session until the test ends.
func (c *callers) dialAt(s *server, user, mac string) *lab.Program {
	c.w.t.Helper()
	return c.w.launch(c.ns, exec.Command(filepath.Join(bin, "load"), "--interface", "eth0", "-n", "1", "--ac", s.name, "--no-ipv6", "--user", user, "--mac", mac, "--timeout", "20s", "--hold", "5m", "--echo", "0"))
}

// mac returns the Ethernet address of a client.
func mac(n int) string { return fmt.Sprintf("02:4c:00:00:%02x:00", n) }

// awaitClients waits until servers have the sessions of just these clients.
func (w *testbed) awaitClients(want ...string) {
	w.t.Helper()
	slices.Sort(want)
	var is []string
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		all := make(map[string]string)
		for _, s := range w.servers {
			if w.running(s) {
				maps.Copy(all, w.addresses(s))
			}
		}
		if is = slices.Sorted(maps.Keys(all)); slices.Equal(is, want) {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("%v are online, want %v", is, want)
		}
	}
}

// running reports whether a server answers its commands.
func (w *testbed) running(s *server) bool {
	_, err := w.command(s, "status")
	return err == nil
}

// refused waits until a server has refused one login more, and checks that the same clients are online.
func (w *testbed) refused(c *callers, s *server, user string, n int, online ...string) {
	w.t.Helper()
	const why = "the number of sessions of this user is reached: it is in use at machine"
	before := s.count(why)
	p := c.dialAt(s, user, mac(n))
	w.await("server "+s.name+" refuses "+user, func() bool { return s.count(why) > before })
	p.Kill()
	w.awaitClients(online...)
}

// TestAllActiveLimit: of a user who may have two sessions, and has one at each of two servers, both refuse a third. When
// one has ended, another is let in. When a server is killed, its share is free once it is known to be dead, not
// earlier, and the user still has two at most.
func TestAllActiveLimit(t *testing.T) {
	t.Parallel() // it mostly waits
	for _, duplicate := range []string{"refuse", "allow"} {
		t.Run(duplicate, func(t *testing.T) {
			t.Parallel()
			w := newTestbed(t, 64, "auto")
			a, b := w.serveBoth("0", append(ownNames, `duplicate = "replace"`, fmt.Sprintf("duplicate = %q", duplicate))...)
			c := w.callers()
			c.dialAt(a, "pair", mac(1))
			c.dialAt(b, "pair", mac(2))
			w.awaitClients(mac(1), mac(2))
			w.refused(c, a, "pair", 3, mac(1), mac(2))
			w.refused(c, b, "pair", 4, mac(1), mac(2))
			if out, err := w.command(b, "disconnect", mac(2)); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			w.awaitClients(mac(1))
			c.dialAt(b, "pair", mac(5))
			w.awaitClients(mac(1), mac(5))
			w.refused(c, a, "pair", 6, mac(1), mac(5))

			killed := time.Now()
			w.kill(a)
			c.dialAt(b, "pair", mac(7))
			w.awaitClients(mac(5), mac(7))
			took := time.Since(killed)
			t.Logf("the share of the killed server is another's after %v", took)
			if took < 2*time.Second || took > 10*time.Second {
				t.Errorf("the share of the killed server is another's after %v", took)
			}
			w.refused(c, b, "pair", 8, mac(5), mac(7))
			w.serve(a) // its session ends, as the user has two others
			w.awaitClients(mac(5), mac(7))
			w.refused(c, a, "pair", 9, mac(5), mac(7))
		})
	}
}

// TestAllActiveReplace: the oldest of a user's sessions ends, at whichever server, when there is one too many.
func TestAllActiveReplace(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newTestbed(t, 64, "auto")
	a, b := w.serveBoth("0", ownNames...)
	c := w.callers()
	const why = "user has logged in"
	want := []string{}
	for n, s := range []*server{a, b, b, a, a, b, a} {
		c.dialAt(s, "pair", mac(n))
		want = append(want, mac(n))
		w.awaitClients(want[max(0, n-1):]...)
	}
	w.await("the logs say that 5 sessions were replaced", func() bool { return a.count(why)+b.count(why) >= 5 })
	if n := a.count(why) + b.count(why); n != 5 {
		t.Errorf("%d sessions were replaced, want 5", n)
	}
}
