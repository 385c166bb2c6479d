package ebpf

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/datapath"
)

// churn adds sessions of a hub and removes others, in batches.
type churn struct {
	*hub
	open    [churnedSessions]datapath.Session
	batches int
	running time.Duration // that batches were due
	cpu     time.Duration // of all batches
}

const (
	churnedSessions = 1000
	churnBatch      = 10
	churnInterval   = time.Millisecond
)

// run adds and removes 10,000 sessions a second.
func (c *churn) run(stop *atomic.Bool) {
	began := time.Now()
	c.ns.Do(func() error { // network namespaces are those of threads
		everyInterval(stop, func() {
			before := threadTime()
			for i := range churnBatch {
				c.replace(c.batches*churnBatch + i)
			}
			c.batches++
			c.cpu += threadTime() - before
		})
		return nil
	})
	c.running += time.Since(began)
}

// replace adds session number i, and removes the oldest. The hub's own have lower numbers.
func (c *churn) replace(i int) {
	at := &c.open[i%len(c.open)]
	if *at != nil {
		(*at).Remove()
	}
	*at = c.churned(churnedSessions + i%10_000)
}

// spin takes as much CPU time as run has taken.
func (c *churn) spin(stop *atomic.Bool) {
	each := c.cpu / time.Duration(max(c.batches, 1))
	c.ns.Do(func() error {
		everyInterval(stop, func() {
			for end := threadTime() + each; threadTime() < end; {
			}
		})
		return nil
	})
}

// everyInterval calls a function for each interval until it is to stop.
func everyInterval(stop *atomic.Bool, do func()) {
	for due := time.Now(); !stop.Load(); due = due.Add(churnInterval) {
		time.Sleep(time.Until(due))
		do()
	}
}

// threadTime is the CPU time of the thread.
func threadTime() time.Duration {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) // cannot fail
	return time.Duration(t.Nano())
}

// BenchmarkBesideChurn compares TCP streams of one of 1,000 sessions of a shared device: alone, while
// 10,000 sessions a second, of four prefixes and rates, are added and as many removed, and beside a
// loop that takes the same CPU time. One iteration is one turn.
func BenchmarkBesideChurn(b *testing.B) {
	h := newHub(b, hubConfig{kind: datapath.KindGSO}, ethtoolSet("tso", "off"))
	h.fill(churnedSessions)
	c := &churn{hub: h}
	client := h.clients[0]
	var paths []*path
	for _, beside := range []struct {
		name string
		run  func(*atomic.Bool)
	}{{"alone", nil}, {"beside 10,000 changes a second", c.run}, {"beside a loop of the same CPU time", c.spin}} {
		paths = append(paths,
			&path{name: beside.name + ", from the peer", here: client.ns, from: h.ns, to: h.ipv4, beside: beside.run},
			&path{name: beside.name + ", to the peer", here: h.ns, from: client.ns, to: client.ipv4, beside: beside.run})
	}
	for i := range paths[2:] {
		paths[2+i].baseline = paths[i%2]
	}
	measure(b, paths, 1)
	sessions := c.batches * churnBatch
	fmt.Printf("%.0f sessions a second are added, and as many are removed: %v of CPU time for both\n", float64(sessions)/c.running.Seconds(), c.cpu/time.Duration(sessions))
}
