package failover

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// setPassword changes the password of a user in etcd.
func (w *testbed) setPassword(a *authority, root, user, password string) {
	w.t.Helper()
	const change = `printf '%s\n' "$2" | ETCDCTL_API=3 etcdctl --endpoints https://10.9.0.1:2379 --cacert "$3/ca.pem" --cert "$3/bng.pem" --key "$3/bng-key.pem" --user "root:$0" user passwd "$1" --interactive=false`
	if out, err := w.core.Run("sh", "-c", change, root, user, password, a.dir); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
}

// TestSecureAllActive: with TLS and accounts in etcd, servers that start while etcd is away serve when it is back. One with a
// wrong password waits, and says whose login is refused, until its file has the right one; the same when etcd has
// another password while it serves: its session goes on, and others begin. One that is killed and started while
// etcd is away goes on with its session. No password is in a log.
func TestSecureAllActive(t *testing.T) {
	const password, wrong, next = "not for logs", "something else", "the-next-one"
	w := newTestbed(t, 64, "auto", withoutEtcd)
	authority := w.secureEtcd(password)
	store := func(name, text string) {
		t.Helper()
		check(t, os.WriteFile(authority.file("password-"+name), []byte(text+"\n"), 0o600))
	}
	store("a", wrong)
	store("b", password)
	w.configureBoth("0", ownNames...)
	for name, s := range w.servers {
		w.secure(s, authority, authority.file("ca.pem"), authority.file("password-"+name))
	}
	a, b := w.servers["a"], w.servers["b"]
	check(t, unix.Kill(w.etcd.PID(), unix.SIGKILL))
	w.etcd.Wait()
	w.begin(a)
	w.begin(b)
	for _, s := range w.servers {
		t.Cleanup(func() { s.program.Stop() }) // before launch kills it: one that is killed leaves what is pinned
		check(t, s.program.Await("waiting for etcd: .*10.9.0.1:2379: connect: connection refused"))
	}
	w.launchSecureEtcd(authority)
	check(t, b.program.Await("Serving on eth0"))
	check(t, a.program.Await(`waiting for etcd: login of user "bng": .*authentication failed`))
	store("a", password)
	check(t, a.program.Await("Serving on eth0"))
	c := w.callers()
	c.dialAt(a, "alice", mac(1))
	c.dialAt(b, "bob", mac(2))
	w.awaitClients(mac(1), mac(2))

	w.setPassword(authority, password, "bng", next)
	both := func(etcd string) {
		t.Helper()
		w.await("etcd "+etcd, func() bool { return w.state(a).Etcd == etcd && w.state(b).Etcd == etcd })
	}
	c.dialAt(a, "carol", mac(3))
	c.dialAt(b, "dave", mac(4))
	all := []string{mac(1), mac(2), mac(3), mac(4)}
	w.awaitClients(all...)
	both("away")
	for _, s := range w.servers {
		check(t, s.program.Await(`cluster: etcd: login of user "bng": .*authentication failed`))
	}
	store("a", next)
	store("b", next)
	both("connected")

	check(t, unix.Kill(w.etcd.PID(), unix.SIGKILL))
	w.etcd.Wait()
	both("away")
	w.killStored(a)
	w.serve(a)
	w.awaitClients(all...)
	w.launchSecureEtcd(authority)
	both("connected")
	w.awaitClients(all...)
	for _, s := range w.servers {
		if n := strings.Count(s.logs+s.program.Log(), "etcd answers again"); n > 4 {
			t.Errorf("server %s: etcd answers again %d times", s.name, n)
		}
		for _, secret := range []string{password, wrong, next} {
			if strings.Contains(s.logs+s.program.Log(), secret) {
				t.Errorf("server %s: the log has the password %q", s.name, secret)
			}
		}
	}
}
