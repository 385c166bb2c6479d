package life

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/process/passfd"
	"upppoe/test/lab"
)

// manager is what a service manager does: it takes notifications as soon as they come, as a program that ends
// waits until there is room for its own, and keeps descriptors.
type manager struct {
	socket *net.UnixConn
	path   string

	mu    sync.Mutex
	lines []string // that were not awaited yet
	names []string
	files []*os.File
}

func newManager(t *testing.T) *manager {
	t.Helper()
	m := &manager{path: filepath.Join(t.TempDir(), "notify")}
	var err error
	m.socket, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	check(t, err)
	var reading sync.WaitGroup
	reading.Go(m.read)
	t.Cleanup(func() { m.socket.Close(); reading.Wait(); passfd.Close(m.files) })
	return m
}

// read takes notifications until the socket is closed.
func (m *manager) read() {
	b := make([]byte, 1000)
	for {
		n, files, err := passfd.Receive(m.socket, b)
		if err != nil {
			return
		}
		m.take(strings.Split(string(b[:n]), "\n"), files)
	}
}

// take takes a notification.
func (m *manager) take(lines []string, files []*os.File) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = append(m.lines, lines...)
	if slices.Contains(lines, "FDSTORE=1") {
		for _, f := range files {
			// systemd passes them on in the reverse order.
			m.names, m.files = slices.Insert(m.names, 0, strings.TrimPrefix(lines[1], "FDNAME=")), slices.Insert(m.files, 0, f)
		}
	}
}

// await waits for a line that has come since the last one that was awaited.
func (m *manager) await(t *testing.T, line string) {
	t.Helper()
	await(t, "the notification "+line, func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		at := slices.Index(m.lines, line)
		m.lines = m.lines[at+1:]
		return at >= 0
	})
}

// stored waits until all that was sent was taken, and returns what is kept.
func (m *manager) stored(t *testing.T) (names []string, files []*os.File) {
	t.Helper()
	const last = "X_LAST=1"
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.path, Net: "unixgram"})
	check(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte(last))
	check(t, err)
	m.await(t, last)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.names, m.files
}

// start starts the server as a service.
func (m *manager) start(t *testing.T, w *testbed, state string, flags ...string) *lab.Program {
	t.Helper()
	args := append([]string{"-c", `LISTEN_PID=$$ exec "$0" "$@"`, filepath.Join(bin, "pppoe-server"),
		"-I", "eth0", "-L", "192.0.2.1", "-R", "192.0.2.10", "-F", "--etc", w.serverEtc, "--state", state,
		"--control-socket", filepath.Join(filepath.Dir(state), "server.sock"), "-N", "32"}, flags...)
	names, files := m.stored(t)
	cmd := exec.Command("sh", args...)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC=200000",
		"LISTEN_FDS="+strconv.Itoa(len(files)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	cmd.ExtraFiles = files
	p := launch(t, w.server, cmd)
	m.await(t, "READY=1")
	return p
}

// TestSystemdRestart: a restart by the service manager ends no session, and loses no packet that waits; the
// watchdog is notified, and a stop ends the sessions.
func TestSystemdRestart(t *testing.T) {
	for _, device := range []string{"shared", "per-session"} {
		t.Run(device, func(t *testing.T) { testSystemdRestart(t, device) })
	}
}

func testSystemdRestart(t *testing.T, device string) {
	w := newSharedTestbed(t)
	w.serverOptions(t, "require-chap\ndatapath plain\n")
	m, state := newManager(t), filepath.Join(t.TempDir(), "sessions.log")
	first := m.start(t, w, state, "--device", device)
	m.await(t, "WATCHDOG=1")
	if names, _ := m.stored(t); len(names) < 3 || !slices.Contains(names, "control/0") || slices.Contains(names, "device/0") != (device == "shared") {
		t.Errorf("%q were stored", names)
	}
	alice := w.dialAs(t, w.client, "alice", "is online", isOnline)
	a, s := ip(alice.IPv4.Local), ip("192.0.2.1")
	up, down := startStream(t, whileNoneServes, w.client, a, w.server, s), startStream(t, whileNoneServes, w.server, s, w.client, a)
	check(t, unix.Kill(first.PID(), unix.SIGUSR1))
	m.await(t, "STOPPING=1")
	wantExit(t, first, 0)
	second := m.start(t, w, state, "--device", device)
	alice.wantPing(t, "after the restart", s)
	for which, one := range map[string]*datagramStream{"up": up, "down": down} {
		sent, lost, gap := one.end()
		t.Logf("%s: %d sent, %d lost, longest gap %v", which, sent, lost, gap)
		if lost > 0 {
			t.Errorf("%s: %d of %d datagrams were lost", which, lost, sent)
		}
	}
	if now := alice.awaitStatus(t, "is online", isOnline); now.Since != alice.Since {
		t.Errorf("the session is another one: %+v, was %+v", now, alice.Status)
	}
	check(t, unix.Kill(second.PID(), unix.SIGTERM))
	m.await(t, "STOPPING=1")
	wantExit(t, second, 0)
	check(t, alice.program.Await("Terminate|PADT"))
}
