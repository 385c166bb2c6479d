// Package guest runs User-Mode Linux guests for tests, whose kernel has PPP, PPPoE and all kinds of
// network devices, which kernels of test machines often lack. Guests see the host's files. They
// need root and the programs in Programs, and take some seconds to boot.
package guest

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

//go:embed init.sh
var guestInit string

// Config describes a guest.
type Config struct {
	// Bin is the directory in which lab.Build has put ./test/guest/umlrun.
	Bin string
	// Namespace is the host's network namespace in which the guest runs.
	Namespace *lab.Namespace
	// Port is an Ethernet interface in Namespace, one end of a veth pair, to which the guest's vec0
	// is connected; empty: the guest has none.
	Port string
	// Modules are loaded at boot. The guest's kernel loads none automatically.
	Modules []string
	// Timeout bounds how long a script may take; 0: 5 minutes.
	Timeout time.Duration
}

// Programs are what the host must have installed.
var Programs = []string{"linux.uml", "modprobe", "ip"}

// Machine is a running guest. Its methods must not be called concurrently.
type Machine struct {
	scratch string
	timeout time.Duration
	console io.WriteCloser
	cmd     *exec.Cmd
	lines   chan string
	scripts int
	mu      sync.Mutex
	output  []string // of the console
}

// tunables disables registers in C programs that the guest cannot save.
const tunables = "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ," +
	"-AVX_Fast_Unaligned_Load,-AVX_Usable,-AVX2_Usable,-AVX512F_Usable,-ERMS,-FSRM,-XSAVE,-XSAVEC"

// godebug does so for Go programs, and disables asynchronous preemption by signals, which does not
// work without these registers. A feature that is off leaves those on that are built on it, and the
// garbage collector of Go 1.26 asks for avx512vl and avx512bw, not for avx512f. erms disables REP MOVSB
// with or without fsrm, which golang.org/x/sys/cpu would report as unknown on standard error.
const godebug = "GODEBUG=cpu.avx=off,cpu.avx2=off,cpu.avx512f=off,cpu.avx512cd=off,cpu.avx512bw=off,cpu.avx512dq=off," +
	"cpu.avx512vl=off,cpu.bmi2=off,cpu.erms=off,asyncpreemptoff=1"

// timerTick gives the guest a regular tick. Without it, the guest misses an interrupt that comes
// while it goes to sleep, until its next timer, which may be seconds away: about 40 of 30000 frames
// on a busy host.
const timerTick = "nohz=off"

// transport is a packet socket rather than a TAP device: a TAP device sends SIGIO to the guest
// before it wakes those that poll it. A fast guest then finds nothing to read, and the frame waits
// for the next one: 5 to 20 of 30000 frames on a busy host.
const transport = "raw"

// Timeouts, of which a working guest needs a tenth.
const (
	bootTimeout   = 2 * time.Minute
	scriptTimeout = 5 * time.Minute
)

// Boot starts a guest, and closes it at the end of the test.
func Boot(t testing.TB, c Config) *Machine {
	t.Helper()
	g, err := Start(t.TempDir(), c)
	check(t, err)
	t.Cleanup(g.Close)
	return g
}

// Start starts a guest, which the caller must Close. The directory scratch is /mnt in the guest.
func Start(scratch string, c Config) (*Machine, error) {
	g := &Machine{scratch: scratch, timeout: c.Timeout, lines: make(chan string, 64)}
	if g.timeout == 0 {
		g.timeout = scriptTimeout
	}
	init := filepath.Join(g.scratch, "init.sh")
	if err := os.WriteFile(init, []byte(guestInit), 0o755); err != nil {
		return nil, err
	}
	args := []string{"linux.uml", "mem=512M",
		"root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", "init=" + init,
		"con=null", "con0=fd:0,fd:1", "quiet", timerTick, "SCRATCH=" + g.scratch,
		"MODULES=" + strings.Join(c.Modules, ","), tunables, godebug}
	if c.Port != "" {
		args = append(args, "PORT="+c.Port, "vec0:transport="+transport+",ifname="+c.Port+",depth=64,gro=0")
	}
	g.cmd = exec.Command(filepath.Join(c.Bin, "umlrun"), args...)
	g.cmd.Dir = g.scratch
	g.cmd.Env = append(os.Environ(), "HOME="+g.scratch, "TMPDIR="+g.scratch)
	// A guest is many processes, which must all end with the first.
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
	stdin, err := g.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := g.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	g.console = stdin
	if err := c.Namespace.Start(g.cmd); err != nil {
		return nil, err
	}
	// Ends with the guest.
	go g.readConsole(stdout)
	if _, ok := g.await("@@READY", bootTimeout); !ok {
		defer g.Close()
		return nil, g.errorf("not ready after %v", bootTimeout)
	}
	return g, nil
}

// Dir returns the host's directory that is /mnt in the guest.
func (g *Machine) Dir() string { return g.scratch }

func (g *Machine) readConsole(console io.Reader) {
	defer close(g.lines)
	for scan := bufio.NewScanner(console); scan.Scan(); {
		line := strings.TrimSuffix(scan.Text(), "\r")
		g.mu.Lock()
		g.output = append(g.output, line)
		g.mu.Unlock()
		if strings.HasPrefix(line, "@@") {
			g.lines <- line
		}
	}
}

// await waits for a mark on the console, and returns the rest of its line.
func (g *Machine) await(mark string, patience time.Duration) (string, bool) {
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

// Script runs a shell script in the guest and returns its exit code and output. The error is a
// failure of the guest.
func (g *Machine) Script(script string) (code int, output string, err error) {
	g.scripts++
	name := fmt.Sprintf("script%d", g.scripts)
	if err := os.WriteFile(filepath.Join(g.scratch, name), []byte(script), 0o644); err != nil {
		return 0, "", err
	}
	fmt.Fprintln(g.console, name)
	done, ok := g.await("@@DONE", g.timeout)
	out, _ := os.ReadFile(filepath.Join(g.scratch, name+".out"))
	if !ok {
		return 0, string(out), g.errorf("this script has not ended after %v:\n%s\nIt printed:\n%s", g.timeout, script, out)
	}
	if code, err = strconv.Atoi(done); err != nil {
		return 0, string(out), g.errorf("unexpected answer %q", done)
	}
	return code, string(out), nil
}

// Run runs a shell script in the guest and returns its exit code and output.
func (g *Machine) Run(t testing.TB, script string) (code int, output string) {
	t.Helper()
	code, output, err := g.Script(script)
	check(t, err)
	return code, output
}

// Must runs a script that must succeed.
func (g *Machine) Must(t testing.TB, script string) string {
	t.Helper()
	code, out := g.Run(t, script)
	if code != 0 {
		t.Fatalf("in the guest, this script ended with %d:\n%s\nIt printed:\n%s", code, script, out)
	}
	return out
}

func (g *Machine) errorf(format string, args ...any) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return fmt.Errorf("guest: "+format+"\nIts console:\n%s", append(args, strings.Join(g.output, "\n"))...)
}

// Close ends the guest: its init shuts down at the end of its input.
func (g *Machine) Close() {
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

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
