// Package bench measures what people wait for, on the real kernel.
package bench

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// BenchmarkDial is a whole dial over a veth pair, our client against our server with
// CHAP: PADI to IPv4 address configured, as the client's own log tells, and from the start
// of the program. The medians are told.
//
//	go test ./test/bench -bench Dial -benchtime 50x
func BenchmarkDial(b *testing.B) {
	roottest.Need(b)
	bin := b.TempDir()
	if err := lab.Build("../..", bin, "./cmd/pppoe-client", "./cmd/pppoe-server"); err != nil {
		b.Fatal(err)
	}
	client, server := namespace(b), namespace(b)
	if err := lab.Veth(lab.End{In: client, Name: "eth0"}, lab.End{In: server, Name: "eth0"}); err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{"pppoe-server-options": "require-chap\n", "chap-secrets": "u * p *\n"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	serving := exec.Command(filepath.Join(bin, "pppoe-server"), "-I", "eth0", "-F", "--etc", bin)
	until(b, server, serving, "Serving on")
	defer end(serving)

	var dials, starts []time.Duration
	for b.Loop() {
		began := time.Now()
		dialling := exec.Command(filepath.Join(bin, "pppoe-client"), "eth0", "user", "u", "password", "p", "noauth", "debug", "nodetach", "state-dir", b.TempDir())
		padi, up := until(b, client, dialling, "remote IP address")
		dials, starts = append(dials, up.Sub(padi)), append(starts, up.Sub(began))
		end(dialling)
	}
	b.ReportMetric(median(dials), "ms/PADI-to-address")
	b.ReportMetric(median(starts), "ms/start-to-address")
}

func namespace(b *testing.B) *lab.Namespace {
	n, err := lab.NewNamespace()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { n.Close() })
	return n
}

// until starts a program and waits for a line. It returns when that came, and when
// the first line did.
func until(b *testing.B, n *lab.Namespace, cmd *exec.Cmd, line string) (first, found time.Time) {
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
		if first.IsZero() {
			first = time.Now()
		}
		if strings.HasPrefix(scan.Text(), line) {
			// Ends with the program.
			found = time.Now()
			go func() {
				for scan.Scan() {
				}
			}()
			return first, found
		}
	}
	b.Fatalf("%v ended without %q", cmd.Args, line)
	return
}

func end(cmd *exec.Cmd) {
	cmd.Process.Signal(unix.SIGTERM)
	cmd.Wait()
}

// median is in milliseconds.
func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2].Microseconds()) / 1000
}
