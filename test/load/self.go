package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/test/lab"
)

// selfTest is both ends on this machine: the server in one network namespace, the clients in
// another, with a veth pair between them.
type selfTest struct {
	o                *options
	dir              string
	clients, servers *lab.Namespace
	server           *exec.Cmd
	ended            chan error // the server has ended
	report           serverReport
	before           sample        // when the server serves
	ownBefore        time.Duration // processor time of this process then
	idle             sample        // when the hold begins
}

// serverReport is what the server has used.
type serverReport struct {
	Args                 string
	RSSBefore            int     // KiB, before the first session
	RSSOpen, RSSHeld     int     // KiB, with all sessions open, and at the end of the hold
	RSSPeak              int     // KiB, the most until the end of the hold
	BytesPerSession      int     // of RSSOpen - RSSBefore
	SetUpCPUSeconds      float64 // processor time until all were open
	IdleCPUPercent       float64 // of one processor, while the sessions were held
	GeneratorCPU         float64 // seconds, until all were open
	PerCPUSecond         float64 // set-ups per second of both
	Threads, Descriptors int     // with all sessions open
	DevicesGoneSeconds   float64 // from the begin of the close until all devices were removed
	RSSAfter             int     // KiB
}

func (r *serverReport) text() string {
	return fmt.Sprintf(`server               pppoe-server %s
memory               %.1f MiB RSS, after the hold %.1f, peak %.1f, before %.1f, after the end %.1f; %d octets a session
processor            %.2f s for the set-up, generator %.2f s: %.0f set-ups per second of both; %.1f %% of one while held
threads, descriptors %d, %d
end of all devices   %.2f s
`, r.Args, mib(r.RSSOpen), mib(r.RSSHeld), mib(r.RSSPeak), mib(r.RSSBefore), mib(r.RSSAfter), r.BytesPerSession,
		r.SetUpCPUSeconds, r.GeneratorCPU, r.PerCPUSecond, r.IdleCPUPercent, r.Threads, r.Descriptors, r.DevicesGoneSeconds)
}

func mib(kib int) float64 { return float64(kib) / 1024 }

// programEnv is the environment variable with the directory of the server's program, which is built
// before the program enters a user namespace: modules may have to be downloaded.
const programEnv = "UPPPOE_LOAD_PROGRAMS"

// buildServer makes the directory of a run, and builds the server in it unless there is one.
func (o *options) buildServer() error {
	dir, err := os.MkdirTemp("", "upppoe-load-")
	if err != nil {
		return err
	}
	if o.server != "" {
		return os.Setenv(programEnv, dir)
	}
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err == nil {
		err = lab.Build(strings.TrimSpace(string(root)), dir, "./cmd/pppoe-server")
	}
	if err != nil {
		os.RemoveAll(dir)
		return fmt.Errorf("build pppoe-server: %w", err)
	}
	return os.Setenv(programEnv, dir)
}

// runSelf measures our own server.
func runSelf(ctx context.Context, o *options) (*report, error) {
	code, done, err := lab.Enter(o.buildServer)
	if err != nil {
		return nil, err
	}
	if done {
		os.Exit(code)
	}
	s := &selfTest{o: o, dir: os.Getenv(programEnv)}
	defer os.RemoveAll(s.dir)
	return s.run(ctx)
}

func (s *selfTest) run(ctx context.Context) (*report, error) {
	if err := s.connect(); err != nil {
		return nil, err
	}
	defer s.clients.Close()
	defer s.servers.Close()
	if err := s.serve(ctx); err != nil {
		return nil, err
	}
	defer s.stopServer()
	var ports pppoe.Ports
	var flood datapath.Port
	err := s.clients.Do(func() (err error) {
		ports, flood, err = s.o.openPorts(clientEnd)
		return err
	})
	if err != nil {
		return nil, err
	}
	g, err := newGenerator(s.o, ports, flood)
	if err != nil {
		ports.Close()
		return nil, err
	}
	closing := time.Time{}
	g.onStage = func(stage stage) {
		switch stage {
		case stageHolding:
			s.sampleOpen(g)
		case stageClosing:
			s.sampleIdle()
			closing = time.Now()
		}
	}
	r, err := g.run(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.awaitDevicesGone(closing); err != nil {
		return nil, err
	}
	r.Server = &s.report
	return r, nil
}

const (
	clientEnd = "clients"
	serverEnd = "server"
	serverMAC = "02:53:00:00:00:01" // with no prefix in common with the clients' default
)

func (s *selfTest) connect() (err error) {
	if s.clients, err = lab.NewNamespace(); err != nil {
		return err
	}
	if s.servers, err = lab.NewNamespace(); err != nil {
		return err
	}
	if err := s.servers.Do(enableForwarding); err != nil {
		return err
	}
	return lab.Veth(lab.End{In: s.clients, Name: clientEnd}, lab.End{In: s.servers, Name: serverEnd, MAC: serverMAC})
}

// enableForwarding makes the host of the server a router, as a concentrator's is.
func enableForwarding() error {
	return errors.Join(os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644),
		os.WriteFile("/proc/sys/net/ipv6/conf/all/forwarding", []byte("1"), 0o644))
}

// serve starts the server, and waits until it serves.
func (s *selfTest) serve(ctx context.Context) error {
	options := strings.Join(append([]string{"require-chap", "lcp-echo-interval 30", "lcp-echo-failure 3"}, s.o.options...), "\n") + "\n"
	for name, text := range map[string]string{"pppoe-server-options": options, "chap-secrets": s.secrets()} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	args := []string{"-I", serverEnd, "-F", "--etc", s.dir, "-L", "10.0.0.1", "-R", "10.1.0.0", "-N", strconv.Itoa(min(s.o.addresses(), 65534))}
	if s.o.vlans != "" {
		args = append(args, "--vlan", s.o.vlans)
	}
	for _, more := range s.o.serverArgs {
		args = append(args, strings.Fields(more)...)
	}
	s.report.Args = strings.Join(args[5:], " ")
	if err := s.start(args); err != nil {
		return err
	}
	if err := s.awaitLog(ctx, "Serving on"); err != nil {
		s.stopServer()
		return err
	}
	var err error
	s.before, err = sampleProcess(s.server.Process.Pid)
	s.report.RSSBefore, s.ownBefore = s.before.rss, ownCPU()
	return err
}

func (s *selfTest) start(args []string) error {
	log, err := os.Create(s.logFile())
	if err != nil {
		return err
	}
	defer log.Close()
	binds, err := lab.PrivateDirs(filepath.Join(s.dir, "private"))
	if err != nil {
		return err
	}
	s.server = exec.Command(cmp.Or(s.o.server, filepath.Join(s.dir, "pppoe-server")), args...)
	s.server.Stdout, s.server.Stderr = log, log
	if err := s.servers.Start(s.server, binds...); err != nil {
		return err
	}
	s.ended = make(chan error, 1)
	// Ends with the server.
	go func() { s.ended <- s.server.Wait() }()
	return nil
}

// logFile is the file of the server's log.
func (s *selfTest) logFile() string { return cmp.Or(s.o.serverLog, filepath.Join(s.dir, "server.log")) }

// secrets returns a chap-secrets file with an account for each client; of one name, with one.
func (s *selfTest) secrets() string {
	var b strings.Builder
	last := ""
	for i := range s.o.addresses() {
		c := s.o.client(i)
		if c.User != last {
			fmt.Fprintf(&b, "%q * %q *\n", c.User, c.Password)
		}
		last = c.User
	}
	return b.String()
}

// awaitLog waits until the server has logged a text.
func (s *selfTest) awaitLog(ctx context.Context, text string) error {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		log, _ := os.ReadFile(s.logFile())
		switch {
		case strings.Contains(string(log), text):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case len(s.ended) > 0:
			return fmt.Errorf("pppoe-server ended with %w:\n%s", <-s.ended, log)
		}
	}
	return fmt.Errorf("pppoe-server has not logged %q within 30 s", text)
}

// sampleOpen samples the server when all sessions are open.
func (s *selfTest) sampleOpen(g *generator) {
	now, err := sampleProcess(s.server.Process.Pid)
	if err != nil {
		return
	}
	s.idle = now
	r := &s.report
	r.RSSOpen, r.RSSPeak, r.Threads, r.Descriptors = now.rss, now.hwm, now.threads, now.files
	r.SetUpCPUSeconds = (now.cpu - s.before.cpu).Seconds()
	r.BytesPerSession = (now.rss - r.RSSBefore) * 1024 / max(g.result.SetUp, 1)
	r.GeneratorCPU = (ownCPU() - s.ownBefore).Seconds()
	r.PerCPUSecond = float64(g.result.SetUp) / (r.SetUpCPUSeconds + r.GeneratorCPU)
}

// sampleIdle samples the server at the end of the hold.
func (s *selfTest) sampleIdle() {
	now, err := sampleProcess(s.server.Process.Pid)
	if err != nil || s.idle.at.IsZero() {
		return
	}
	s.report.IdleCPUPercent = now.cpuSince(s.idle)
	s.report.RSSPeak, s.report.RSSHeld = now.hwm, now.rss
}

// awaitDevicesGone waits until the server has removed the devices of all sessions.
func (s *selfTest) awaitDevicesGone(since time.Time) error {
	for end := time.Now().Add(10 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		n, err := s.devices()
		switch {
		case err != nil:
			return err
		case n == 0:
			s.report.DevicesGoneSeconds = time.Since(since).Seconds()
			now, err := sampleProcess(s.server.Process.Pid)
			s.report.RSSAfter = now.rss
			return err
		case time.Now().After(end):
			return fmt.Errorf("%d devices are left 10 minutes after the end of all sessions", n)
		}
	}
}

// devices returns how many devices of sessions the server has. /proc/net/dev is read without the
// kernel's lock for changes of devices, unlike netlink.
func (s *selfTest) devices() (n int, err error) {
	err = s.servers.Do(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/dev")
		for _, line := range strings.Split(string(text), "\n") {
			if name := strings.TrimSpace(line); strings.HasPrefix(name, "ppp") && !strings.HasPrefix(name, "pppoe") {
				n++
			}
		}
		return err
	})
	return n, err
}

// stopServer ends the server.
func (s *selfTest) stopServer() {
	s.server.Process.Signal(unix.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(time.Minute):
		s.server.Process.Kill()
		<-s.ended
	}
}
