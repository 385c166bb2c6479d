package metrics

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"upppoe/internal/cluster"
	"upppoe/internal/cluster/allactive"
)

// clusterNumbers are the numbers of the active machine of a cluster, and allActiveNumbers those of a machine of one of
// which all are active.
var (
	clusterNumbers = Cluster{"/upppoe/bng/", func() cluster.Status {
		return cluster.Status{IsActive: true, HasStandby: true, ByConsent: true, Term: 3}
	}, func() int { return 7 }}
	allActiveNumbers = AllActive{func() allactive.Status {
		return allactive.Status{
			Connected: true, Left: 90e9, Claims: 4, Pending: 2, Writes: 9, Problems: []string{"another list of machines"},
			Pools:    []allactive.PoolStatus{{Name: "gold", Kind: allactive.IPv4, Blocks: 64, Leased: 10, Own: 5, Free: 70}},
			Machines: []allactive.MachineStatus{{Name: "bng1", Alive: true}, {Name: "bng2"}},
		}
	}}
)

// TestCluster: each number of a cluster has its metric.
func TestCluster(t *testing.T) {
	for _, c := range []struct {
		of   prometheus.Collector
		want []string
	}{
		{clusterNumbers, []string{
			`active{cluster="/upppoe/bng/"} 1`, `term{cluster="/upppoe/bng/"} 3`, "standby_ready 1", "by_consent 1", "unwritten_sessions 7", "etcd_connected 1",
		}},
		{allActiveNumbers, []string{
			"etcd_connected 1", "seconds_left 90", `blocks{kind="ipv4",pool="gold"} 64`, `leased_blocks{kind="ipv4",pool="gold"} 10`, `own_blocks{kind="ipv4",pool="gold"} 5`,
			`own_free{kind="ipv4",pool="gold"} 70`, `machine_alive{machine="bng1"} 1`, `machine_alive{machine="bng2"} 0`, "claims 4", "pending_claims 2", "etcd_writes_total 9", "problems 1",
		}},
	} {
		text := get(t, handler(Config{}, server(), c.of), "/metrics", http.StatusOK)
		lines := strings.Split(text, "\n")
		for _, want := range c.want {
			if !slices.Contains(lines, "pppoe_server_cluster_"+want) {
				t.Errorf("%s is missing in\n%s", want, text)
			}
		}
	}
}
