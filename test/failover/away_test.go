package failover

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
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
	stream := w.stream()
	w.pauseEtcd()
	w.awaitCluster(active, "it goes on by consent", func(is cluster) bool { return is.Consented })
	w.callers().dial(1, "user%d", "02:4c:00:00:00:00")
	w.awaitSessions(active, 2)
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

	w.pauseEtcd()
	stream.awaitStop(t)
	silent := w.capture(other)
	time.Sleep(2 * time.Second) // twice the interval of echoes
	if heard := silent(); heard.first != 0 {
		t.Errorf("the server sends %v without a lease", heard)
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

// awaitStop waits until nothing is returned for half a second.
func (s *stream) awaitStop(t testing.TB) {
	t.Helper()
	const quiet = 500 * time.Millisecond
	last, since := s.returned.Load(), time.Now()
	for end := time.Now().Add(time.Minute); time.Since(since) < quiet; time.Sleep(10 * time.Millisecond) {
		if n := s.returned.Load(); n != last {
			last, since = n, time.Now()
		}
		if time.Now().After(end) {
			t.Fatal("packets pass without a lease")
		}
	}
}
