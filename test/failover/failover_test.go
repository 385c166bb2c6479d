package failover

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// harm makes a server fail, and undo lets its machine take part again.
type harm struct {
	name       string
	harm, undo func(*testbed, *server)
}

var harms = []harm{
	{"cut off from etcd", func(w *testbed, s *server) { w.ip("link", "set", "e"+s.name, "down") }, func(w *testbed, s *server) { w.ip("link", "set", "e"+s.name, "up") }},
	{"cut off from the segment", func(w *testbed, s *server) { w.ip("link", "set", "p"+s.name, "down") }, func(w *testbed, s *server) { w.ip("link", "set", "p"+s.name, "up") }},
	{"frozen", func(w *testbed, s *server) { unix.Kill(s.program.PID(), unix.SIGSTOP) }, func(w *testbed, s *server) { unix.Kill(s.program.PID(), unix.SIGCONT) }},
	{"killed", (*testbed).kill, startAgain},
	{"stopped", func(w *testbed, s *server) { s.program.Stop() }, startAgain},
}

func startAgain(w *testbed, s *server) {
	w.t.Helper()
	w.start(s)
}

// stream is a TCP connection through the session, on which the target returns what the client sends.
type stream struct {
	returned atomic.Uint64 // numbers
	err      atomic.Pointer[error]
}

func (w *testbed) stream() *stream {
	w.t.Helper()
	var listener net.Listener
	check(w.t, w.core.Do(func() (err error) { listener, err = net.Listen("tcp4", target+":7"); return err }))
	w.t.Cleanup(func() { listener.Close() })
	// Ends with the connection.
	go func() {
		if c, err := listener.Accept(); err == nil {
			io.Copy(c, c)
		}
	}()
	var c net.Conn
	check(w.t, w.client.Do(func() (err error) { c, err = net.DialTimeout("tcp4", target+":7", time.Minute); return err }))
	w.t.Cleanup(func() { c.Close() })
	s := &stream{}
	// Ends with the connection.
	go func() {
		if err := s.run(c); err != nil {
			s.err.Store(&err)
		}
	}()
	return s
}

func (s *stream) run(c net.Conn) error {
	var b [8]byte
	for n := uint64(1); ; n++ {
		binary.BigEndian.PutUint64(b[:], n)
		if _, err := c.Write(b[:]); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, b[:]); err != nil {
			return err
		}
		if got := binary.BigEndian.Uint64(b[:]); got != n {
			return fmt.Errorf("received %d, sent %d", got, n)
		}
		s.returned.Store(n)
	}
}

// check reports a connection that has ended, or does not go on.
func (s *stream) check(t testing.TB) {
	t.Helper()
	for before, end := s.returned.Load(), time.Now().Add(20*time.Second); ; time.Sleep(time.Millisecond) {
		if err := s.err.Load(); err != nil {
			t.Fatalf("the TCP connection: %v", *err)
		}
		if s.returned.Load() > before+10 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the TCP connection does not go on")
		}
	}
}

// maxGap is how long a client may be without packets.
const maxGap = 3 * time.Second

// TestFailOver: whatever becomes of the active server, the other has its session within three seconds; the
// client notices nothing, its TCP connection goes on, and no frame of the loser follows the first of the
// winner.
func TestFailOver(t *testing.T) {
	t.Parallel() // it mostly waits
	for _, path := range []string{"auto", "plain"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			testFailOver(t, path)
		})
	}
}

func testFailOver(t *testing.T, path string) {
	w := newTestbed(t, 64, path)
	active, other := w.servers["a"], w.servers["b"]
	w.start(active)
	w.awaitActive(active, 1)
	w.start(other)
	for s, want := range map[*server]string{active: "machine a is active, active is a, term 1", other: "machine b is standby, active is a, term 1"} {
		w.await(want, func() bool {
			out, err := w.command(s, "status")
			return err == nil && strings.Contains(out, want)
		})
	}
	w.dial()
	w.awaitAdoptable(active, 1)
	stream := w.stream()
	for _, h := range harms {
		w.failOver(h, active, other, stream)
		active, other = other, active
	}
}

func (w *testbed) failOver(h harm, active, other *server, stream *stream) {
	t := w.t
	t.Helper()
	before := other.count("is active, with")
	pings := w.pings()
	loser, winner := w.capture(active), w.capture(other)
	wasStandby := active.count("is standby")
	h.harm(w, active)
	w.awaitActive(other, before+1)
	stream.check(t)
	h.undo(w, active)
	if h.name == "killed" || h.name == "stopped" {
		wasStandby = 0
	}
	check(t, active.program.Await(fmt.Sprintf("(?s)(is standby.*){%d}", wasStandby+1)))
	stream.check(t)
	gap, lost, won := pings(), loser(), winner()
	t.Logf("%s: a gap of %v; the winner's first frame %.3f s after the loser's last", h.name, gap, won.first-lost.last)
	if gap > maxGap {
		t.Errorf("%s: no packet for %v", h.name, gap)
	}
	if lost.last >= won.first {
		t.Errorf("%s: the loser has sent %.3f s after the winner had begun", h.name, lost.last-won.first)
	}
}
