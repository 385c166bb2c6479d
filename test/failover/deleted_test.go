package failover

import (
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestEtcdWiped: after all keys in etcd were deleted, the active machine writes them again, with all records of
// sessions: the next one takes over the session.
func TestEtcdWiped(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newTestbed(t, 64, "auto")
	active, other := w.servers["a"], w.servers["b"]
	w.start(active)
	w.awaitActive(active, 1)
	w.start(other)
	w.dial()
	w.awaitAdoptable(active, 1)
	stream := w.stream()
	w.wipeEtcd()
	check(t, active.program.Await("somebody has deleted the keys of the cluster in etcd: they are written again"))
	check(t, active.program.Await("somebody has deleted records of sessions in etcd: [1-9][0-9]* parts are written again"))
	stream.check(t)
	w.kill(active)
	w.awaitActive(other, 1)
	check(t, other.program.Await("Adopted 1 sessions"))
	stream.check(t)
	if n := strings.Count(w.dialer.Log(), "local  IP address"); n != 1 {
		t.Errorf("the client has negotiated %d times", n)
	}
}

// TestEtcdWipedWithoutActive: after all keys in etcd were deleted while no server was active, one becomes active: the
// standby, or one of two that are started at once. The clients' sessions are lost, and each is sent a PADT; when they
// dial again, no two have an address or a session ID.
func TestEtcdWipedWithoutActive(t *testing.T) {
	t.Parallel() // it mostly waits
	const clients = 30
	k := newKiller(t, clients, rand.New(rand.NewPCG(1, 0)))
	// The standby must not become active before the keys are deleted.
	check(t, unix.Kill(k.other.program.PID(), unix.SIGSTOP))
	k.kill(k.active)
	k.wipeEtcd()
	check(t, unix.Kill(k.other.program.PID(), unix.SIGCONT))
	k.active, k.other = k.other, k.active
	k.checkLost(clients)
	check(t, k.active.program.Await("somebody has deleted the keys of the cluster in etcd: they are written again"))
	k.start(k.other)

	k.kill(k.active)
	k.kill(k.other)
	k.wipeEtcd()
	k.start(k.active, k.other)
	k.findActive()
	k.checkLost(clients)
	if k.other.count(isActive) > 0 {
		t.Error("both servers are active")
	}
}

// checkLost waits until all clients have been told that their sessions are lost, and lets them dial again.
func (k *killer) checkLost(clients int) {
	k.t.Helper()
	k.awaitActive(k.active, 1)
	k.await("the end of all sessions", func() bool { return len(k.crowd.Online()) == 0 })
	k.crowd.Settle()
	if told := k.crowd.Told(); told != clients {
		k.t.Errorf("%d of %d clients were told", told, clients)
	}
	clear(k.before)
	k.crowd.Dial()
	k.check()
	ids := make(map[uint16]bool)
	for s := range k.before {
		ids[s.ID] = true
	}
	if len(k.before) != clients || len(ids) != clients {
		k.t.Errorf("%d clients are online with %d session IDs, want %d", len(k.before), len(ids), clients)
	}
}

// wipeEtcd deletes all keys.
func (w *testbed) wipeEtcd() {
	w.t.Helper()
	const all = `{"key": "AA==", "range_end": "AA=="}` // from the key of one zero octet on, to the end
	w.askEtcd("http://10.9.0.1:2379/v3/kv/deleterange", all, nil)
}
