// Package kills kills servers at random instants, and checks what becomes of their sessions: real processes, the
// kernel's data path, and many clients.
package kills

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/crowd"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

var (
	kills = flag.Int("kills", 12, "`NUMBER` of kills, of all kinds together")
	seed  = flag.Uint64("seed", 0, "`SEED` of the random instants; 0: another one each time")
)

// bin is the directory of our compiled programs.
var bin string

func TestMain(m *testing.M) {
	os.Exit(labtest.Main(m, func(dir string) error { bin = dir; return nil }, "./cmd/pppoe-server"))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newRandom returns the source of a test's random numbers, with the seed in the log.
func newRandom(t testing.TB) *rand.Rand {
	is := *seed
	if is == 0 {
		is = rand.Uint64()
	}
	t.Logf("-seed %d", is)
	return rand.New(rand.NewPCG(is, 0))
}

// timeout is a multiple of what any step needs. The longest is the end of a session whose client has given up its dial,
// as the server was slow: after 10 Configure-Requests, 30 s.
const timeout = 90 * time.Second

// testbed is a server and the clients.
type testbed struct {
	*testing.T
	rand   *rand.Rand
	ns     *lab.Namespace
	dir    string
	config string
	mode   mode
	crowd  *crowd.Crowd
	logs   []*lab.Program         // all programs that were started
	before map[crowd.Session]bool // that were up at the last check, and have not hung up since
}

// mode is the devices of a server, and how many clients it has.
type mode struct {
	name, device, path string
	clients            int
}

const configuration = `
[server]
ac-name = "bng"
foreground = true
state-directory = %[1]q
[[interface]]
name = "eth0"
[device]
mode = %[2]q
data-path = %[3]q
[sessions]
max = %[4]d
[ppp]
echo-interval = "1s"
echo-failures = 5
[ipv4]
local-address = "192.0.2.1"
first-address = "172.16.0.1"
[authentication]
methods = ["chap"]
chap-secrets = "%[1]s/chap-secrets"
[control]
socket = "%[1]s/control.sock"
[state]
file = "%[1]s/sessions.log"
`

func newTestbed(t *testing.T, m mode) *testbed {
	t.Helper()
	roottest.Need(t, "ip")
	w := &testbed{T: t, rand: newRandom(t), ns: labtest.Namespace(t), dir: t.TempDir(), mode: m}
	w.config = filepath.Join(w.dir, "server.toml")
	check(t, os.WriteFile(w.config, fmt.Appendf(nil, configuration, w.dir, m.device, m.path, m.clients), 0o600))
	check(t, os.WriteFile(filepath.Join(w.dir, "chap-secrets"), []byte("* * secret *\n"), 0o600))
	check(t, os.Mkdir(w.bpf(), 0o700))
	check(t, unix.Mount("bpf", w.bpf(), "bpf", 0, ""))
	t.Cleanup(func() { unix.Unmount(w.bpf(), unix.MNT_DETACH) })
	clients := labtest.Namespace(t)
	check(t, lab.Veth(lab.End{In: clients, Name: "eth0"}, lab.End{In: w.ns, Name: "eth0"}))
	w.crowd = crowd.Start(t, clients, m.clients, w.rand)
	t.Cleanup(w.end)
	return w
}

// bpf is the BPF file system of the server.
func (w *testbed) bpf() string { return filepath.Join(w.dir, "bpf") }

// start starts the server, and waits until it serves.
func (w *testbed) start() {
	w.Helper()
	check(w, w.launch().Await("Serving on eth0"))
}

func (w *testbed) launch() *lab.Program {
	w.Helper()
	binds, err := lab.PrivateDirs(filepath.Join(w.dir, "private"))
	check(w, err)
	p, err := w.ns.Launch(exec.Command(filepath.Join(bin, "pppoe-server"), "--config", w.config), append(binds, lab.BindMount{Source: w.bpf(), Target: "/sys/fs/bpf"})...)
	check(w, err)
	w.logs = append(w.logs, p)
	return p
}

// end kills what is left, and logs the output of the servers if the test has failed.
func (w *testbed) end() {
	w.kill(w.processes()...)
	for i, p := range w.logs {
		p.Kill()
		if w.Failed() && i >= len(w.logs)-4 {
			w.Logf("server %d:\n%s", i, ofInterest(p.Log()))
		}
	}
}

// ofInterest leaves lines out that each session has.
func ofInterest(log string) string {
	return regexp.MustCompile(`(?m)^.*( address |created for|authenticated with|from calling number|Using interface).*\n`).ReplaceAllString(log, "")
}

// processes returns the processes of the server: several while it is being upgraded.
func (w *testbed) processes() (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		if exe, err := os.Readlink(dir + "/exe"); err != nil || exe != filepath.Join(bin, "pppoe-server") {
			continue
		}
		line, _ := os.ReadFile(dir + "/cmdline")
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil && strings.Contains(string(line), w.config) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// kill kills processes, and waits until they have ended.
func (w *testbed) kill(pids ...int) {
	for _, pid := range pids {
		unix.Kill(pid, unix.SIGKILL)
	}
	for _, pid := range pids {
		w.await(fmt.Sprintf("process %d ends", pid), func() error { return checkEnded(pid) })
	}
}

// checkEnded returns an error if a process has not ended, with all of its threads: until then it has its files
// and locks.
func checkEnded(pid int) error {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil || strings.Contains(string(stat), ") Z ") && len(threads) == 1 {
		return nil
	}
	return fmt.Errorf("%d threads, %s", len(threads), stat)
}

// await waits until a condition holds; otherwise what is last wrong with it fails the test.
func (w *testbed) await(what string, holds func() error) {
	w.Helper()
	for end := time.Now().Add(timeout); ; time.Sleep(5 * time.Millisecond) {
		err := holds()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("waiting until %s: %v", what, err)
		}
	}
}

// command runs a command of pppoe-server that asks the server.
func (w *testbed) command(args ...string) ([]byte, error) {
	return w.prepare(args...).CombinedOutput()
}

func (w *testbed) prepare(args ...string) *exec.Cmd {
	return exec.Command(filepath.Join(bin, "pppoe-server"), append(args, "--socket", filepath.Join(w.dir, "control.sock"))...)
}

// session is a session as the server shows it.
type session struct {
	SessionID uint16 `json:"session_id"`
	MAC       string
	State     string
	Device    string
	RTT       float64 `json:"rtt_ms"`
	IPv4      struct{ Remote string }
}

// sessions returns the server's sessions.
func (w *testbed) sessions() (all []session, err error) {
	out, err := w.command("sessions", "--json")
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return all, json.Unmarshal(out, &all)
}
