package failover

import (
	"fmt"
	"os/exec"
	"regexp"
	"testing"

	"golang.org/x/sys/unix"
)

// lost sends an echo request each 2 ms from the client to the target, until end is called, which returns how many of
// them were not answered.
func (w *testbed) lost() (end func() (lost int)) {
	w.t.Helper()
	p := w.launch(w.client, exec.Command("ping", "-n", "-D", "-i", "0.002", target))
	check(w.t, p.Await("icmp_seq=10 "))
	return func() (lost int) {
		check(w.t, unix.Kill(p.PID(), unix.SIGINT))
		p.Wait()
		var sent, received int
		found := regexp.MustCompile(`\d+ packets transmitted, \d+ received`).FindString(p.Log())
		if _, err := fmt.Sscanf(found, "%d packets transmitted, %d received", &sent, &received); err != nil {
			w.t.Fatalf("%v: %q", err, found)
		}
		w.t.Logf("%d of %d packets are lost", sent-received, sent)
		return max(0, sent-received-1) // the answer to the last may be on its way
	}
}

// etcdAway kills etcd, and waits until a server says so.
func (w *testbed) etcdAway(s *server) {
	w.t.Helper()
	check(w.t, unix.Kill(w.etcd.PID(), unix.SIGKILL))
	w.etcd.Wait()
	w.await("etcd away", func() bool { return w.state(s).Etcd == "away" })
}

// TestAllActiveRestart: no packet of the kernel's data path is lost when a server of an all-active cluster is upgraded,
// nor when it is killed and started again, nor when etcd is away meanwhile: then it goes on with its session, and others
// begin. When etcd is back, it has all of that.
func TestAllActiveRestart(t *testing.T) {
	const clients = 5
	w := newTestbed(t, 64, "kernel")
	a, b := w.serveBoth("0")
	b.program.Stop()
	if out, err := w.core.Run("ip", "route", "add", "172.16.0.0/16", "via", "10.8.0.2"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	w.dial()
	w.await("the claim", func() bool { return w.state(a).Claims == 1 && w.state(a).Pending == 0 })
	lost := w.lost()
	w.killStored(a)
	w.serve(a)
	if n := lost(); n > 0 {
		t.Errorf("%d packets are lost as a server is killed and started", n)
	}
	w.etcdAway(a)
	lost = w.lost()
	w.killStored(a)
	w.serve(a)
	w.online(1, a)
	w.callers().dial(clients, "user%d", "02:4c:00:00:00:00")
	w.online(1+clients, a)
	if is := w.state(a); is.Etcd != "away" || is.Pending != 1+clients {
		t.Errorf("while etcd is away: %+v", is)
	}
	w.upgrade(a)
	w.online(1+clients, a)
	w.launchEtcd("http")
	w.await("etcd back", func() bool { is := w.state(a); return is.Etcd == "connected" && is.Pending == 0 })
	w.online(1+clients, a)
	w.upgrade(a)
	if n := lost(); n > 0 {
		t.Errorf("%d packets are lost while etcd is away, and in two upgrades", n)
	}
	if code, err := a.program.Stop(); code != 0 || err != nil {
		t.Errorf("the server ended with %d: %v", code, err)
	}
}

func (w *testbed) upgrade(s *server) {
	w.t.Helper()
	if out, err := w.command(s, "upgrade"); err != nil {
		w.t.Fatalf("upgrade: %v, %s", err, out)
	}
}
