package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"upppoe/internal/load"
	"upppoe/test/freeradius"
	"upppoe/test/lab"
)

// selfTest is both ends on this machine: the server in one network namespace, the clients in
// another, with a veth pair between them.
type selfTest struct {
	o                *options
	dir              string
	clients, servers *lab.Namespace
	server           *exec.Cmd
	pid              int           // of the process that serves: server, or its successor
	args             []string      // of the server
	restarted        chan struct{} // closed when it was restarted; nil: it is not to be
	ended            chan error    // the server has ended
	radius           *freeradius.Server
	report           serverReport
	before           sample        // when the server serves
	ownBefore        time.Duration // processor time of this process then
	idle             sample        // when the hold begins, or the server has been restarted
}

// report is that of the generator, and with --self what the server has used. Its fields are the JSON report.
type report struct {
	*load.Report
	Server *serverReport `json:",omitempty"`
}

func (r *report) text() string {
	if r.Server == nil {
		return r.Text()
	}
	return r.Text() + r.Server.text()
}

func (r *report) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// serverReport is what the server has used.
type serverReport struct {
	Args                 string
	RSSBefore            int     // KiB, before the first session
	RSSOpen, RSSHeld     int     // KiB, with all sessions open, and at the end of the hold
	RSSPeak              int     // KiB, the most until the end of the hold
	BytesPerSession      int     // of RSSOpen - RSSBefore
	SetUpCPUSeconds      float64 // processor time until all were open
	IdleCPUPercent       float64 // of one processor, while the sessions were held; of a server that was restarted, since then
	GeneratorCPU         float64 // seconds, until all were open
	PerCPUSecond         float64 // set-ups per second of both
	Threads, Descriptors int     // with all sessions open
	DevicesGoneSeconds   float64 // from the begin of the close until all devices were removed
	RSSAfter             int     // KiB

	Upgraded       string  `json:",omitempty"` // what the server says that was replaced by a successor
	Adopted        string  `json:",omitempty"` // what the server says that was killed and started again
	RestartSeconds float64 `json:",omitempty"` // from its start until it has adopted the sessions
	RestartError   error   `json:"-"`
}

func (r *serverReport) text() string {
	return r.restart() + fmt.Sprintf(`server               pppoe-server %s
memory               %.1f MiB RSS, after the hold %.1f, peak %.1f, before %.1f, after the end %.1f; %d octets a session
processor            %.2f s for the set-up, generator %.2f s: %.0f set-ups per second of both; %.1f %% of one while held
threads, descriptors %d, %d
end of all devices   %.2f s
`, r.Args, mib(r.RSSOpen), mib(r.RSSHeld), mib(r.RSSPeak), mib(r.RSSBefore), mib(r.RSSAfter), r.BytesPerSession,
		r.SetUpCPUSeconds, r.GeneratorCPU, r.PerCPUSecond, r.IdleCPUPercent, r.Threads, r.Descriptors, r.DevicesGoneSeconds)
}

// restart is the line about a server that was restarted; empty: it was not.
func (r *serverReport) restart() string {
	switch {
	case r.Upgraded != "":
		return fmt.Sprintf("upgrade              %s\n", r.Upgraded)
	case r.Adopted != "":
		return fmt.Sprintf("killed, started      adopted %s; %.2f s after the start\n", r.Adopted, r.RestartSeconds)
	}
	return ""
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
	var ports load.Ports
	err := s.clients.Do(func() (err error) {
		ports, err = s.o.OpenPorts(clientEnd)
		return err
	})
	if err != nil {
		return nil, err
	}
	g, err := load.New(&s.o.Config, ports)
	if err != nil {
		ports.Close()
		return nil, err
	}
	closing := time.Time{}
	g.OnStage = func(stage load.Stage) {
		switch stage {
		case load.Holding:
			s.sampleOpen(g)
			s.restartLater(ctx)
		case load.Closing:
			s.sampleIdle()
			closing = time.Now()
		}
	}
	r, err := s.o.run(ctx, g)
	if s.restarted != nil {
		<-s.restarted
	}
	if err != nil {
		return nil, err
	}
	if err := s.report.RestartError; err != nil {
		return nil, err
	}
	if err := s.awaitDevicesGone(closing); err != nil {
		return nil, err
	}
	return &report{r, &s.report}, nil
}

// restartLater restarts the server during the hold, if an option says so.
func (s *selfTest) restartLater(ctx context.Context) {
	at, restart := s.o.kill, s.restart
	if s.o.upgrade > 0 {
		at, restart = s.o.upgrade, s.upgrade
	}
	if at == 0 {
		return
	}
	s.restarted = make(chan struct{})
	// Ends with the restart.
	go func() {
		defer close(s.restarted)
		time.Sleep(at)
		restart(ctx)
	}()
}

func (s *selfTest) isRestarting() bool {
	if s.restarted == nil {
		return false
	}
	select {
	case <-s.restarted:
		return false
	default:
		return true
	}
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

// sampleOpen samples the server when all sessions are open.
func (s *selfTest) sampleOpen(g *load.Generator) {
	now, err := sampleProcess(s.pid)
	if err != nil {
		return
	}
	s.idle = now
	r := &s.report
	r.RSSOpen, r.RSSPeak, r.Threads, r.Descriptors = now.rss, now.hwm, now.threads, now.files
	r.SetUpCPUSeconds = (now.cpu - s.before.cpu).Seconds()
	r.BytesPerSession = (now.rss - r.RSSBefore) * 1024 / max(g.SetUps(), 1)
	r.GeneratorCPU = (ownCPU() - s.ownBefore).Seconds()
	r.PerCPUSecond = float64(g.SetUps()) / (r.SetUpCPUSeconds + r.GeneratorCPU)
}

// sampleIdle samples the server at the end of the hold, unless it is just being restarted.
func (s *selfTest) sampleIdle() {
	if s.isRestarting() {
		return
	}
	now, err := sampleProcess(s.pid)
	if err != nil || s.idle.at.IsZero() {
		return
	}
	s.report.IdleCPUPercent = now.cpuSince(s.idle)
	s.report.RSSPeak, s.report.RSSHeld = now.hwm, now.rss
}
