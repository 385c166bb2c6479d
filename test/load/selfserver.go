package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/test/lab"
)

// serve starts the server, and waits until it serves.
func (s *selfTest) serve(ctx context.Context) error {
	options := strings.Join(append([]string{"require-chap", "lcp-echo-interval 30", "lcp-echo-failure 3"}, s.o.options...), "\n") + "\n"
	for name, text := range map[string]string{"pppoe-server-options": options, "chap-secrets": s.secrets()} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	args := []string{"-I", serverEnd, "-F", "--etc", s.dir, "-L", "10.0.0.1", "-R", "10.1.0.0", "-N", strconv.Itoa(min(s.o.Addresses(), 65534))}
	if s.o.VLANs != "" {
		args = append(args, "--vlan", s.o.VLANs)
	}
	for _, more := range s.o.serverArgs {
		args = append(args, strings.Fields(more)...)
	}
	s.report.Args = strings.Join(args[5:], " ")
	if s.o.kill > 0 || s.o.upgrade > 0 {
		args = append(args, "--state", filepath.Join(s.dir, "sessions.log"))
	}
	if s.o.radius {
		var err error
		if args, err = s.startRADIUS(); err != nil {
			return err
		}
		s.report.Args = "--config with FreeRADIUS"
	}
	if err := s.start(args); err != nil {
		return err
	}
	if err := s.awaitLog(ctx, 0, "Serving on"); err != nil {
		s.stopServer()
		return err
	}
	var err error
	s.before, err = sampleProcess(s.pid)
	s.report.RSSBefore, s.ownBefore = s.before.rss, ownCPU()
	return err
}

func (s *selfTest) start(args []string) error {
	s.args = args
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
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
	s.pid, s.ended = s.server.Process.Pid, make(chan error, 1)
	// Ends with the server.
	go func() { s.ended <- s.server.Wait() }()
	return nil
}

// restart kills the server and starts it again, and reports how long it takes to adopt the sessions.
func (s *selfTest) restart(ctx context.Context) {
	r := &s.report
	s.server.Process.Kill()
	<-s.ended
	begin, from := time.Now(), s.logSize()
	if r.RestartError = s.start(s.args); r.RestartError == nil {
		r.RestartError = s.awaitLog(ctx, from, "Adopted ")
	}
	r.RestartSeconds = time.Since(begin).Seconds()
	r.Adopted = s.logged("Adopted ")
	s.idle, _ = sampleProcess(s.pid)
}

// upgrade replaces the server by a successor. The old process stays as its parent, and passes signals on.
func (s *selfTest) upgrade(ctx context.Context) {
	const result = "upgrade: process "
	r, from := &s.report, s.logSize()
	if r.RestartError = s.server.Process.Signal(unix.SIGUSR2); r.RestartError == nil {
		r.RestartError = s.awaitLog(ctx, from, result)
	}
	r.Upgraded = s.logged(result)
	if _, err := fmt.Sscan(r.Upgraded, &s.pid); err != nil {
		r.RestartError = cmp.Or(r.RestartError, fmt.Errorf("upgrade: no process in %q", r.Upgraded))
	}
	s.idle, _ = sampleProcess(s.pid)
}

// logged returns what follows a text in the log, in its line; empty: the text is not there.
func (s *selfTest) logged(text string) string {
	log, _ := os.ReadFile(s.logFile())
	_, after, _ := strings.Cut(string(log), text)
	line, _, _ := strings.Cut(after, "\n")
	return line
}

// logFile is the file of the server's log.
func (s *selfTest) logFile() string { return cmp.Or(s.o.serverLog, filepath.Join(s.dir, "server.log")) }

// secrets returns a chap-secrets file with an account for each client; of one name, with one.
func (s *selfTest) secrets() string {
	var b strings.Builder
	last := ""
	for i := range s.o.Addresses() {
		c := s.o.Client(i)
		if c.User != last {
			fmt.Fprintf(&b, "%q * %q *\n", c.User, c.Password)
		}
		last = c.User
	}
	return b.String()
}

// awaitLog waits until the server has logged a text since the log had a size.
func (s *selfTest) awaitLog(ctx context.Context, from int64, text string) error {
	log := logReader{path: s.logFile(), at: from}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		switch {
		case log.has(text):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case len(s.ended) > 0:
			err := <-s.ended
			s.ended <- err // for stopServer
			text, _ := os.ReadFile(s.logFile())
			return fmt.Errorf("pppoe-server ended with %w:\n%s", err, text)
		}
	}
	return fmt.Errorf("pppoe-server has not logged %q within 30 s", text)
}

// logReader reads what is appended to a log, which may be long: each part once.
type logReader struct {
	path string
	at   int64
	rest string // the last line, if it is not complete yet
}

// has reports whether what was appended since the last call has a text, in one line.
func (r *logReader) has(text string) bool {
	f, err := os.Open(r.path)
	if err != nil {
		return false
	}
	defer f.Close()
	more, _ := io.ReadAll(io.NewSectionReader(f, r.at, math.MaxInt64-r.at))
	r.at += int64(len(more))
	appended := r.rest + string(more)
	r.rest = appended[strings.LastIndexByte(appended, '\n')+1:]
	return strings.Contains(appended, text)
}

// logSize returns how long the log is.
func (s *selfTest) logSize() int64 {
	info, err := os.Stat(s.logFile())
	if err != nil {
		return 0
	}
	return info.Size()
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
			now, err := sampleProcess(s.pid)
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
	if s.radius != nil {
		defer s.radius.Stop()
	}
	s.server.Process.Signal(unix.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(time.Minute):
		s.server.Process.Kill()
		<-s.ended
	}
}
