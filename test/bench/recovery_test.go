package bench

import (
	"fmt"
	"testing"
	"time"
)

// times returns a pattern for n occurrences of a line.
func times(n int, line string) string { return fmt.Sprintf("(?s)(%s.*){%d}", line, n) }

// BenchmarkRedialAfterRestart measures how long a client with an echo interval of one second takes
// to be online again, from when a killed server is restarted: at once, before the client has
// noticed, or after that.
//
//	go test ./test/bench -bench RedialAfterRestart -benchtime 10x
func BenchmarkRedialAfterRestart(b *testing.B) {
	for _, noticed := range []bool{false, true} {
		b.Run(fmt.Sprintf("noticed=%v", noticed), func(b *testing.B) {
			l := newTestbed(b)
			server := l.serve(b)
			client := l.dial(b, "persist", "holdoff", "1", "maxfail", "0", "lcp-echo-interval", "1", "lcp-echo-failure", "2")
			must(b, client.Await("remote IP address"))
			var took []time.Duration
			for n := 2; b.Loop(); n++ {
				kill(b, server)
				if noticed {
					must(b, client.Await(times(n-1, "Connection terminated")))
				}
				server = l.serve(b)
				began := time.Now()
				must(b, client.Await(times(n, "remote IP address")))
				took = append(took, time.Since(began))
			}
			b.ReportMetric(median(took), "ms/serving-to-address")
		})
	}
}

// BenchmarkStartAfterCrash measures from the start of a client to its address, after the previous
// client was killed, at a server that accepts one session only, without continuing its session.
//
//	go test ./test/bench -bench StartAfterCrash -benchtime 20x
func BenchmarkStartAfterCrash(b *testing.B) {
	l := newTestbed(b)
	server := l.serve(b, "-N", "1")
	client := l.dial(b)
	must(b, client.Await("remote IP address"))
	var took []time.Duration
	for n := 1; b.Loop(); n++ {
		kill(b, client)
		began := time.Now()
		client = l.dial(b, "no-adopt")
		must(b, client.Await("remote IP address"))
		took = append(took, time.Since(began))
		must(b, server.Await(times(n, "Session 1 closed")))
	}
	b.ReportMetric(median(took), "ms/start-to-address")
}
