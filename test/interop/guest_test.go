package interop

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"upppoe/test/lab"
)

//go:embed guest.sh
var guestInit string

// guest is a User-Mode Linux machine with the real pppd and rp-pppoe, whose Ethernet
// interface vec0 is a tap of the host.
type guest struct {
	t       testing.TB
	scratch string
	console io.WriteCloser
	cmd     *exec.Cmd
	lines   chan string
	scripts int
	mu      sync.Mutex
	said    []string // on the console
}

// tunables keep C programs off the registers that the guest cannot save.
const tunables = "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ," +
	"-AVX_Fast_Unaligned_Load,-AVX_Usable,-AVX2_Usable,-AVX512F_Usable,-ERMS,-FSRM,-XSAVE,-XSAVEC"

// Bounds, of which a healthy guest needs a tenth.
const (
	bootTime   = time.Minute
	scriptTime = time.Minute
)

// boot starts a guest in a namespace, on a tap that is there.
func boot(t testing.TB, in *lab.Namespace, tap string) *guest {
	t.Helper()
	g := &guest{t: t, scratch: t.TempDir(), lines: make(chan string, 64)}
	init := filepath.Join(g.scratch, "init.sh")
	if err := os.WriteFile(init, []byte(guestInit), 0o755); err != nil {
		t.Fatal(err)
	}
	g.cmd = exec.Command(filepath.Join(bin, "umlrun"), "linux.uml", "mem=512M",
		"root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", "init="+init,
		"vec0:transport=tap,ifname="+tap+",depth=64,gro=0",
		"con=null", "con0=fd:0,fd:1", "quiet", "SCRATCH="+g.scratch, tunables)
	g.cmd.Dir = g.scratch
	g.cmd.Env = append(os.Environ(), "HOME="+g.scratch, "TMPDIR="+g.scratch)
	stdin, err := g.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := g.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	g.console = stdin
	if err := in.Start(g.cmd); err != nil {
		t.Fatal(err)
	}
	// Ends with the guest.
	go g.listen(stdout)
	t.Cleanup(g.halt)
	if _, ok := g.await("@@READY", bootTime); !ok {
		g.fatalf("the guest is not ready after %v", bootTime)
	}
	return g
}

func (g *guest) listen(console io.Reader) {
	defer close(g.lines)
	for scan := bufio.NewScanner(console); scan.Scan(); {
		line := strings.TrimSuffix(scan.Text(), "\r")
		g.mu.Lock()
		g.said = append(g.said, line)
		g.mu.Unlock()
		if strings.HasPrefix(line, "@@") {
			g.lines <- line
		}
	}
}

// await returns what follows a mark on the console.
func (g *guest) await(mark string, patience time.Duration) (string, bool) {
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-g.lines:
			if !ok {
				return "", false
			}
			if rest, found := strings.CutPrefix(line, mark); found {
				return strings.TrimSpace(rest), true
			}
		case <-timeout:
			return "", false
		}
	}
}

// run runs a shell script in the guest and returns its exit code and all that it
// printed.
func (g *guest) run(script string) (code int, output string) {
	g.t.Helper()
	g.scripts++
	name := fmt.Sprintf("script%d", g.scripts)
	g.share(name, script)
	fmt.Fprintln(g.console, name)
	done, ok := g.await("@@DONE", scriptTime)
	out, _ := os.ReadFile(filepath.Join(g.scratch, name+".out"))
	if !ok {
		g.fatalf("the guest has not done this after %v:\n%s\nIt printed:\n%s", scriptTime, script, out)
	}
	code, err := strconv.Atoi(done)
	if err != nil {
		g.fatalf("the guest says %q", done)
	}
	return code, string(out)
}

// must runs a script that may not fail.
func (g *guest) must(script string) string {
	g.t.Helper()
	code, out := g.run(script)
	if code != 0 {
		g.t.Fatalf("in the guest, this ended with %d:\n%s\nIt printed:\n%s", code, script, out)
	}
	return out
}

// share writes a file that the guest finds in /mnt.
func (g *guest) share(name, text string) {
	g.t.Helper()
	if err := os.WriteFile(filepath.Join(g.scratch, name), []byte(text), 0o644); err != nil {
		g.t.Fatal(err)
	}
}

func (g *guest) fatalf(format string, args ...any) {
	g.t.Helper()
	g.mu.Lock()
	said := strings.Join(g.said, "\n")
	g.mu.Unlock()
	g.t.Fatalf(format+"\nIts console:\n%s", append(args, said)...)
}

// halt ends the guest: its init does that at the end of its input.
func (g *guest) halt() {
	g.console.Close()
	ended := make(chan struct{})
	// Ends with the guest.
	go func() { g.cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		g.cmd.Process.Kill()
		<-ended
	}
}
