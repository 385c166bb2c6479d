package failover

import (
	"strings"
	"testing"
)

// TestEtcdWiped: after all keys in etcd were deleted, the active machine writes them again, with all records of
// sessions: the next one takes over the session.
func TestEtcdWiped(t *testing.T) {
	w := newTestbed(t, 64, "auto")
	active, other := w.servers["a"], w.servers["b"]
	w.start(active)
	w.awaitActive(active, 1)
	w.start(other)
	w.dial()
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

// wipeEtcd deletes all keys.
func (w *testbed) wipeEtcd() {
	w.t.Helper()
	const all = `{"key": "AA==", "range_end": "AA=="}` // from the key of one zero octet on, to the end
	w.askEtcd("http://10.9.0.1:2379/v3/kv/deleterange", all, nil)
}
