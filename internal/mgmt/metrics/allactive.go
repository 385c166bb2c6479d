package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"upppoe/internal/cluster/allactive"
)

// AllActive is a prometheus.Collector of a cluster of which all machines are active.
type AllActive struct{ Status func() allactive.Status }

var (
	clusterConnected = describe("cluster_etcd_connected", "1 if etcd answers, and in a cluster of which all machines are active, has what this machine has; else 0.")
	clusterLeft      = describe("cluster_seconds_left", "Time until the sessions end if etcd does not answer.")
	clusterBlocks    = describe("cluster_blocks", "Blocks of a pool.", "pool", "kind")
	clusterLeased    = describe("cluster_leased_blocks", "Blocks of a pool that machines have leased.", "pool", "kind")
	clusterOwn       = describe("cluster_own_blocks", "Blocks of a pool that this machine has leased.", "pool", "kind")
	clusterFree      = describe("cluster_own_free", "Addresses or prefixes of this machine's blocks that are free.", "pool", "kind")
	clusterAlive     = describe("cluster_machine_alive", "1 if a machine is alive, else 0.", "machine")
	clusterClaims    = describe("cluster_claims", "Users, addresses and routes of sessions of this machine.")
	clusterPending   = describe("cluster_pending_claims", "Those that etcd does not have yet.")
	clusterWrites    = describe("cluster_etcd_writes_total", "Writes to etcd.")
	clusterProblems  = describe("cluster_problems", "What is wrong: see the command status.")
)

// Describe sends the descriptions of all metrics.
func (a AllActive) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{clusterConnected, clusterLeft, clusterBlocks, clusterLeased, clusterOwn, clusterFree, clusterAlive, clusterClaims, clusterPending, clusterWrites, clusterProblems} {
		to <- d
	}
}

// Collect reads the numbers.
func (a AllActive) Collect(to chan<- prometheus.Metric) {
	m, is := metricSink{to}, a.Status()
	m.gauge(clusterConnected, boolean(is.Connected))
	m.gauge(clusterLeft, is.Left.Seconds())
	for _, p := range is.Pools {
		m.gauge(clusterBlocks, float64(p.Blocks), p.Name, string(p.Kind))
		m.gauge(clusterLeased, float64(p.Leased), p.Name, string(p.Kind))
		m.gauge(clusterOwn, float64(p.Own), p.Name, string(p.Kind))
		m.gauge(clusterFree, float64(p.Free), p.Name, string(p.Kind))
	}
	for _, one := range is.Machines {
		m.gauge(clusterAlive, boolean(one.Alive), one.Name)
	}
	m.gauge(clusterClaims, float64(is.Claims))
	m.gauge(clusterPending, float64(is.Pending))
	m.counter(clusterWrites, is.Writes)
	m.gauge(clusterProblems, float64(len(is.Problems)))
}
