package bench

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// servedVLANs is the number of VLANs with a server in BenchmarkScan.
const servedVLANs = 50

// BenchmarkScan searches all 4094 VLANs of an interface, of which 50 have a server.
//
//	go test ./test/bench -bench Scan -benchtime 3x
func BenchmarkScan(b *testing.B) {
	l := newTestbed(b)
	var vlans []string
	for i := range servedVLANs {
		vlans = append(vlans, fmt.Sprint(1+i*4093/(servedVLANs-1)))
	}
	l.serve(b, "--vlan", strings.Join(vlans, ","))
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		out, err := l.client.Run(filepath.Join(l.bin, "pppoe-discovery"), "-I", "eth0", "--vlan", "1-4094")
		took = append(took, time.Since(began))
		if found := strings.Count(out, "Access-Concentrator: "); err != nil || found != servedVLANs {
			b.Fatalf("%d of %d were found: %v\n%s", found, servedVLANs, err, out)
		}
	}
	b.ReportMetric(median(took), "ms/scan")
}
