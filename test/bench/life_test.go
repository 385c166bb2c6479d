package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// testbed is a client's machine and a server's on one Ethernet, with our programs.
type testbed struct {
	client, server *lab.Namespace
	bin, run       string
}

func newTestbed(b *testing.B) *testbed {
	b.Helper()
	roottest.Need(b)
	l := &testbed{namespace(b), namespace(b), b.TempDir(), b.TempDir()}
	must(b, lab.Build("../..", l.bin, "./cmd/pppoe-client", "./cmd/pppoe-server", "./cmd/pppoe-discovery"))
	must(b, lab.Veth(lab.End{In: l.client, Name: "eth0"}, lab.End{In: l.server, Name: "eth0"}))
	for name, text := range map[string]string{"pppoe-server-options": "require-chap\n", "chap-secrets": "u * p *\n"} {
		must(b, os.WriteFile(filepath.Join(l.bin, name), []byte(text), 0o600))
	}
	return l
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (l *testbed) serve(b *testing.B, flags ...string) *lab.Program {
	b.Helper()
	args := append([]string{"-I", "eth0", "-F", "--etc", l.bin}, flags...)
	p := l.launch(b, l.server, "pppoe-server", args...)
	must(b, p.Await("Serving on"))
	return p
}

func (l *testbed) dial(b *testing.B, options ...string) *lab.Program {
	b.Helper()
	args := append([]string{"eth0", "user", "u", "password", "p", "noauth", "nodetach", "state-dir", filepath.Join(l.run, "state")}, options...)
	return l.launch(b, l.client, "pppoe-client", args...)
}

// launch starts a program with a /run of its own, since those that are killed leave files,
// and without the machine's options and scripts.
func (l *testbed) launch(b *testing.B, in *lab.Namespace, name string, args ...string) *lab.Program {
	b.Helper()
	binds, err := lab.PrivateDirs(filepath.Join(l.run, name))
	must(b, err)
	p, err := in.Launch(exec.Command(filepath.Join(l.bin, name), args...), binds...)
	must(b, err)
	b.Cleanup(func() { p.Stop() })
	return p
}

func kill(b *testing.B, p *lab.Program) {
	b.Helper()
	must(b, unix.Kill(p.PID(), unix.SIGKILL))
	p.Wait() // it has no code
}

// times is a pattern for a line that was said so often.
func times(n int, line string) string { return fmt.Sprintf("(?s)(%s.*){%d}", line, n) }

// BenchmarkRedialAfterRestart is how long a client with echoes each second takes until it
// is online again, from when a server that was killed serves anew: at once, so that the
// client has yet to notice, or when it has.
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

// BenchmarkStartAfterCrash is from the start of a client to its address, after one before
// it was killed, at a server that has one session at most.
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
		client = l.dial(b)
		must(b, client.Await("remote IP address"))
		took = append(took, time.Since(began))
		must(b, server.Await(times(n, "Session 1 closed")))
	}
	b.ReportMetric(median(took), "ms/start-to-address")
}

// servedVLANs is how many of the VLANs have a server, in BenchmarkScan.
const servedVLANs = 50

// BenchmarkScan searches all 4094 VLANs of an interface, of which 50 answer.
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
