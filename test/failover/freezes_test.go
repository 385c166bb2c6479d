package failover

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var freezes = flag.Int("freezes", 1, "TestFreezes: `NUMBER` of times that the active server is stopped; from 2 on, also without a full queue")

// TestFreezes: an active server is stopped at a random instant while it sends packets from user space, and goes on
// when another is active: then nothing of it reaches the segment, also of frames that it had checked against the
// deadline before. With a queue that is full there are always such frames, as it waits for room.
func TestFreezes(t *testing.T) {
	t.Run("full queue", func(t *testing.T) { testFreezes(t, "tbf rate 10mbit burst 16k limit 1m") })
	if *freezes > 1 { // few hit the microseconds in which there is such a frame
		t.Run("at rate", func(t *testing.T) { testFreezes(t, "") })
	}
}

func testFreezes(t *testing.T, queue string) {
	w := newTestbed(t, 64, "plain")
	for _, s := range w.servers {
		if words := strings.Fields("qdisc add dev eth0 root " + queue); queue != "" {
			if out, err := s.ns.Run("tc", words...); err != nil {
				t.Fatalf("tc: %v, %s", err, out)
			}
		}
	}
	active, other := w.servers["a"], w.servers["b"]
	w.start(active)
	w.awaitActive(active, 1)
	w.start(other)
	w.dial()
	w.awaitAdoptable(active, 1)
	w.flood()
	for range *freezes {
		before, wasStandby := other.count(isActive), active.count("is standby")
		loser, winner := w.capture(active), w.capture(other)
		time.Sleep(rand.N(100 * time.Millisecond)) // of the batches that are sent meanwhile, one is stopped
		check(t, unix.Kill(active.program.PID(), unix.SIGSTOP))
		w.awaitActive(other, before+1)
		check(t, unix.Kill(active.program.PID(), unix.SIGCONT))
		check(t, active.program.Await(fmt.Sprintf("(?s)(is standby.*){%d}", wasStandby+1)))
		lost, won := loser(), winner()
		if lost.first == 0 || lost.last >= won.first {
			t.Errorf("the loser sends from %.3f until %.3f, and the winner from %.3f", lost.first, lost.last, won.first)
		}
		active, other = other, active
	}
	for _, s := range w.servers {
		t.Logf("server %s: the kernel has dropped frames of %d batches", s.name, s.count("The kernel has dropped"))
	}
}

// flood sends 3,000 packets a second to the client until the end of the test.
func (w *testbed) flood() {
	w.t.Helper()
	var conn net.Conn
	check(w.t, w.core.Do(func() (err error) { conn, err = net.Dial("udp4", "172.16.0.1:9"); return err }))
	tick, ended, stop := time.NewTicker(10*time.Millisecond), make(chan struct{}), make(chan struct{})
	w.t.Cleanup(func() { close(stop); <-ended; conn.Close() })
	// Ends with the test.
	go func() {
		defer close(ended)
		defer tick.Stop()
		packet := make([]byte, 1400)
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				for range 30 {
					conn.Write(packet) // refused at times, as nobody listens
				}
			}
		}
	}()
}
