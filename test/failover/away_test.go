package failover

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/cluster"
)

// TestEtcdAway: while no server reaches etcd the active one goes on by the consent of the standby, and what changes is
// written when etcd is back: the other takes over a session that has begun meanwhile. Without a standby it sends
// nothing after its lease, and goes on when etcd is back.
func TestEtcdAway(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newTestbed(t, 64, "auto")
	active, other := w.servers["a"], w.servers["b"]
	w.start(active)
	w.awaitActive(active, 1)
	w.start(other)
	w.dial()
	w.awaitAdoptable(active, 1)
	stream := w.stream()
	w.pauseEtcd()
	w.awaitCluster(active, "it goes on by consent", func(is clusterStatus) bool { return is.Consented })
	w.callers().dial(1, "user%d", "02:4c:00:00:00:00")
	w.awaitNegotiated(active, 2)
	stream.check(t)
	w.resumeEtcd()
	w.awaitWritten(active)
	if n := other.count(isActive); n > 0 {
		t.Error("the standby has become active")
	}
	w.kill(active)
	w.awaitActive(other, 1)
	check(t, other.program.Await("Adopted 2 sessions"))
	stream.check(t)

	sent := w.capture(other)
	w.pauseEtcd()
	over := time.Now().Add(cluster.DefaultTiming.Lease)
	time.Sleep(time.Until(over) + 2*time.Second) // twice the interval of echoes
	if heard := sent(); heard.first == 0 || heard.last > float64(over.UnixNano())/1e9 {
		t.Errorf("the server sends from %.3f until %.3f, with a lease until %.3f", heard.first, heard.last, float64(over.UnixNano())/1e9)
	}
	w.resumeEtcd()
	stream.check(t)
	if n := other.count("starting again"); n > 0 {
		t.Error("the server has started again")
	}
}

// pauseEtcd stops etcd until resumeEtcd.
func (w *testbed) pauseEtcd()  { check(w.t, unix.Kill(w.etcd.PID(), unix.SIGSTOP)) }
func (w *testbed) resumeEtcd() { check(w.t, unix.Kill(w.etcd.PID(), unix.SIGCONT)) }
