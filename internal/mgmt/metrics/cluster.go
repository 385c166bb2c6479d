package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"upppoe/internal/cluster"
)

// Cluster is a prometheus.Collector of a cluster of which one machine is active.
type Cluster struct {
	Name      string // what its keys in etcd begin with
	Status    func() cluster.Status
	Unwritten func() int // sessions of which etcd lacks changes
}

var (
	clusterActive    = describe("cluster_active", "1 if this machine is the active one of a cluster, 0 if it is standby.", "cluster")
	clusterTerm      = describe("cluster_term", "How many active machines there were: it grows with each take-over.", "cluster")
	clusterStandby   = describe("cluster_standby_ready", "1 if this machine is active and another would take over at once, else 0.")
	clusterConsent   = describe("cluster_by_consent", "1 while this machine is active without a lease, by the consent of the others, as etcd is away; else 0.")
	clusterUnwritten = describe("cluster_unwritten_sessions", "Sessions of which etcd lacks changes.")
)

// Describe sends the descriptions of all metrics.
func (c Cluster) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{clusterActive, clusterTerm, clusterStandby, clusterConsent, clusterUnwritten, clusterConnected} {
		to <- d
	}
}

// Collect reads the numbers.
func (c Cluster) Collect(to chan<- prometheus.Metric) {
	m, is := metricSink{to}, c.Status()
	m.gauge(clusterActive, boolean(is.IsActive), c.Name)
	m.gauge(clusterTerm, float64(is.Term), c.Name)
	m.gauge(clusterStandby, boolean(is.HasStandby))
	m.gauge(clusterConsent, boolean(is.ByConsent))
	m.gauge(clusterUnwritten, float64(c.Unwritten()))
	m.gauge(clusterConnected, boolean(is.Err == nil))
}
