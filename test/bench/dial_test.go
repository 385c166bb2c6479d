// Package bench measures delays and rates that users notice, on the real kernel.
package bench

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/test/lab"
)

// BenchmarkDial dials over a veth pair, our client to our server with CHAP: from PADI to a
// configured IPv4 address, according to the client's log, and from the start of the program. It
// reports the medians.
//
//	go test ./test/bench -bench Dial -benchtime 50x
func BenchmarkDial(b *testing.B) {
	l := newTestbed(b)
	l.serve(b)
	var dials, starts []time.Duration
	for b.Loop() {
		began := time.Now()
		dialling := exec.Command(filepath.Join(l.bin, "pppoe-client"), "eth0", "user", "u", "password", "p", "noauth", "debug", "nodetach", "state-dir", b.TempDir())
		padi, up := awaitLines(b, l.client, dialling, "Send PPPOE Discovery V1T1 PADI", "remote IP address")
		dials, starts = append(dials, up.Sub(padi)), append(starts, up.Sub(began))
		stop(dialling)
	}
	b.ReportMetric(median(dials), "ms/PADI-to-address")
	b.ReportMetric(median(starts), "ms/start-to-address")
}

// awaitLines starts a program, and returns when its standard error had a line with one prefix, and
// then one with another.
func awaitLines(b *testing.B, n *lab.Namespace, cmd *exec.Cmd, one, other string) (first, found time.Time) {
	b.Helper()
	out, err := cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := n.Start(cmd); err != nil {
		b.Fatal(err)
	}
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		if first.IsZero() && strings.HasPrefix(scan.Text(), one) {
			first = time.Now()
		}
		if strings.HasPrefix(scan.Text(), other) {
			// Ends with the program.
			found = time.Now()
			go func() {
				for scan.Scan() {
				}
			}()
			return first, found
		}
	}
	b.Fatalf("%v ended without %q", cmd.Args, other)
	return
}

func stop(cmd *exec.Cmd) {
	cmd.Process.Signal(unix.SIGTERM)
	cmd.Wait()
}

// median returns the median in milliseconds.
func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2].Microseconds()) / 1000
}
