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
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/test/lab"
)

//go:embed guest.sh
var guestInit string

// guest is a User-Mode Linux machine with the real pppd and rp-pppoe, whose Ethernet
// interface vec0 is a tap of the host.
type guest struct {
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
	g := &guest{scratch: t.TempDir(), lines: make(chan string, 64)}
	init := filepath.Join(g.scratch, "init.sh")
	check(t, os.WriteFile(init, []byte(guestInit), 0o755))
	g.cmd = exec.Command(filepath.Join(bin, "umlrun"), "linux.uml", "mem=512M",
		"root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", "init="+init,
		"vec0:transport=tap,ifname="+tap+",depth=64,gro=0",
		"con=null", "con0=fd:0,fd:1", "quiet", "SCRATCH="+g.scratch, tunables)
	g.cmd.Dir = g.scratch
	g.cmd.Env = append(os.Environ(), "HOME="+g.scratch, "TMPDIR="+g.scratch)
	// A guest is many processes, of which none may outlive the first.
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
	stdin, err := g.cmd.StdinPipe()
	check(t, err)
	stdout, err := g.cmd.StdoutPipe()
	check(t, err)
	g.console = stdin
	check(t, in.Start(g.cmd))
	// Ends with the guest.
	go g.listen(stdout)
	t.Cleanup(g.halt)
	if _, ok := g.await("@@READY", bootTime); !ok {
		g.fatalf(t, "the guest is not ready after %v", bootTime)
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
func (g *guest) run(t testing.TB, script string) (code int, output string) {
	t.Helper()
	g.scripts++
	name := fmt.Sprintf("script%d", g.scripts)
	check(t, os.WriteFile(filepath.Join(g.scratch, name), []byte(script), 0o644))
	fmt.Fprintln(g.console, name)
	done, ok := g.await("@@DONE", scriptTime)
	out, _ := os.ReadFile(filepath.Join(g.scratch, name+".out"))
	if !ok {
		g.fatalf(t, "the guest has not done this after %v:\n%s\nIt printed:\n%s", scriptTime, script, out)
	}
	code, err := strconv.Atoi(done)
	if err != nil {
		g.fatalf(t, "the guest says %q", done)
	}
	return code, string(out)
}

// must runs a script that may not fail.
func (g *guest) must(t testing.TB, script string) string {
	t.Helper()
	code, out := g.run(t, script)
	if code != 0 {
		t.Fatalf("in the guest, this ended with %d:\n%s\nIt printed:\n%s", code, script, out)
	}
	return out
}

func (g *guest) ping(t testing.TB, to string) {
	t.Helper()
	if code, out := g.run(t, "ping -c 2 -i 0.2 -W 5 "+to); code != 0 {
		t.Errorf("pinged from the guest:\n%s", out)
	}
}

func (g *guest) fatalf(t testing.TB, format string, args ...any) {
	t.Helper()
	g.mu.Lock()
	said := strings.Join(g.said, "\n")
	g.mu.Unlock()
	t.Fatalf(format+"\nIts console:\n%s", append(args, said)...)
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
