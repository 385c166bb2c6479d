package allactive

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"upppoe/internal/state/etcdstore/etcdtest"
)

// BenchmarkSetUps measures how many sessions a second a real etcd lets a number of machines begin and end: each is
// claimed and released, by machines whose servers take no time.
func BenchmarkSetUps(b *testing.B) {
	for _, machines := range []int{1, 2, 10, 30, 100} {
		b.Run(fmt.Sprintf("machines=%d", machines), func(b *testing.B) { benchmarkSetUps(b, machines) })
	}
}

func benchmarkSetUps(b *testing.B, n int) {
	server := etcdtest.Start(b)
	var names []string
	for i := range n {
		names = append(names, fmt.Sprint("m", i))
	}
	bed := newTestbed(b, names...)
	client := server.Dial()
	bed.change = func(c *Config) {
		c.Store = NewEtcd(client, "/upppoe/test/")
		c.Timing = DefaultTiming
		c.Timing.Timeout, c.Timing.Claim, c.Timing.Live = 20*time.Second, 30*time.Second, 30*time.Second
	}
	bed.setPool("198.18.0.0", "198.19.255.255")
	var members []*Member
	for _, name := range names {
		members = append(members, bed.run(name, nil).member)
	}
	b.ResetTimer()
	var next atomic.Int64
	var running sync.WaitGroup
	for i := range max(256, 4*n) { // logins in progress
		running.Go(func() {
			for id := next.Add(1); id <= int64(b.N); id = next.Add(1) {
				m, session := members[i%n], uint64(id)
				m.Begin(session)
				if err := m.Claim(b.Context(), session, Want{User: fmt.Sprint("user", id), Limit: 1}); err != nil {
					b.Error(err)
				}
				m.Ended(session)
			}
		})
	}
	running.Wait()
	b.StopTimer()
	var writes, txns uint64
	for _, m := range members {
		w, t := m.batch.counts()
		writes, txns = writes+w, txns+t
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sessions/s")
	b.ReportMetric(float64(writes)/b.Elapsed().Seconds(), "writes/s")
	b.ReportMetric(float64(txns)/float64(writes), "txns/write")
	b.ReportMetric(float64(txns)/float64(b.N), "txns/session")
	bed.stopAll()
}
