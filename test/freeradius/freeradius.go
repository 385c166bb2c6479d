// Package freeradius runs Debian's FreeRADIUS for tests, on loopback, with a configuration of its own.
package freeradius

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upppoe/internal/roottest"
)

// Secret is shared with all clients, unless Options has another.
const Secret = "testing123"

// Server is a FreeRADIUS that runs.
type Server struct {
	Auth, Acct netip.AddrPort
	dir        string
	launch     func(*exec.Cmd) error
	cmd        *exec.Cmd
}

// Program is the path of FreeRADIUS.
const Program = "/usr/sbin/freeradius"

// Options configure a Server.
type Options struct {
	// Users is the text of a users file.
	Users string
	// Addr is the address to listen at; invalid: 127.0.0.1, with free ports. Else the ports are
	// 1812 and 1813.
	Addr netip.Addr
	// Secret is shared with all clients; empty: the constant.
	Secret string
	// Quiet records no accounting.
	Quiet bool
	// Launch starts the process, for example in another network namespace; nil: it is started here.
	Launch func(*exec.Cmd) error
}

const config = `
prefix = /usr
libdir = /usr/lib/freeradius
raddbdir = %[1]s
logdir = %[1]s
run_dir = %[1]s
db_dir = %[1]s
pidfile = %[1]s/pid
max_request_time = 30
max_requests = 65536
cleanup_delay = 5
hostname_lookups = no
log {
	destination = stdout
	auth = no
}
security {
	max_attributes = 200
	reject_delay = 0
	status_server = yes
}
proxy_requests = no
thread pool {
	start_servers = 2
	max_servers = 2
	min_spare_servers = 0
	max_spare_servers = 2
	max_queue_size = 65536
}
client all {
	ipaddr = %[2]s/8
	secret = %[6]s
	require_message_authenticator = yes
}
modules {
	pap {
	}
	chap {
	}
	mschap {
		use_mppe = no
	}
	eap {
		default_eap_type = md5
		max_sessions = 4096
		md5 {
		}
	}
	files {
		filename = %[1]s/users
	}
	detail {
		filename = %[1]s/detail
	}
	always ok {
		rcode = ok
	}
}
policy {
	sign {
		update reply {
			Message-Authenticator := 0x00
		}
	}
}
server default {
	listen {
		type = auth
		ipaddr = %[2]s
		port = %[3]d
	}
	listen {
		type = acct
		ipaddr = %[2]s
		port = %[4]d
	}
	authorize {
		chap
		mschap
		eap {
			ok = return
		}
		files
		pap
	}
	authenticate {
		Auth-Type PAP {
			pap
		}
		Auth-Type CHAP {
			chap
		}
		Auth-Type MS-CHAP {
			mschap
		}
		eap
	}
	accounting {
		%[5]s
	}
	# FreeRADIUS before 3.2.5 sends no Message-Authenticator of its own accord (CVE-2024-3596).
	post-auth {
		sign
		Post-Auth-Type REJECT {
			sign
		}
		Post-Auth-Type Challenge {
			sign
		}
	}
}
`

// Start starts a server, which ends with the test, and waits until it answers.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	roottest.NeedPrograms(t, Program)
	s, err := New(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// New starts a server with its files in a directory, and waits until it answers.
func New(dir string, o Options) (s *Server, err error) {
	s = &Server{dir: dir, launch: o.Launch}
	if s.launch == nil {
		s.launch = (*exec.Cmd).Start
	}
	addr, auth, acct := netip.AddrFrom4([4]byte{127, 0, 0, 1}), 1812, 1813
	if o.Addr.IsValid() {
		addr = o.Addr
	} else if auth, acct, err = freePorts(); err != nil {
		return nil, err
	}
	s.Auth, s.Acct = netip.AddrPortFrom(addr, uint16(auth)), netip.AddrPortFrom(addr, uint16(acct))
	accounting := "detail"
	if o.Quiet {
		accounting = "ok"
	}
	for name, text := range map[string]string{
		"radiusd.conf": fmt.Sprintf(config, s.dir, addr, auth, acct, accounting, cmp.Or(o.Secret, Secret)),
		"users":        o.Users,
		"dictionary":   "",
	} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return s, s.run()
}

// Run starts the server's process after Stop.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) run() error {
	s.cmd = exec.Command(Program, "-f", "-d", s.dir, "-n", "radiusd", "-l", "stdout")
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	s.cmd.Stderr = s.cmd.Stdout
	if err := s.launch(s.cmd); err != nil {
		return fmt.Errorf("%w: install Debian's package freeradius", err)
	}
	ready, log := make(chan bool), new(strings.Builder)
	// Ends with the process.
	go func() {
		lines, done := bufio.NewScanner(out), false
		for lines.Scan() {
			if done {
				continue
			}
			fmt.Fprintln(log, lines.Text())
			if done = strings.Contains(lines.Text(), "Ready to process requests"); done {
				ready <- true
			}
		}
		if !done {
			close(ready)
		}
	}()
	select {
	case ok := <-ready:
		if !ok {
			return fmt.Errorf("FreeRADIUS has ended:\n%s", log)
		}
		return nil
	case <-time.After(time.Minute):
		s.Stop()
		return errors.New("FreeRADIUS is not ready after a minute")
	}
}

// Stop ends the server's process.
func (s *Server) Stop() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		s.cmd = nil
	}
}

// Accounting returns the records of accounting so far: the attributes of each, by name, as FreeRADIUS
// prints their values.
func (s *Server) Accounting(t testing.TB) (records []map[string]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "detail"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(text), "\n\n") {
		r := map[string]string{}
		for _, line := range strings.Split(block, "\n") {
			if name, value, ok := strings.Cut(line, " = "); ok && strings.HasPrefix(line, "\t") {
				r[strings.TrimSpace(name)] = strings.Trim(value, `"`)
			}
		}
		if len(r) > 0 {
			records = append(records, r)
		}
	}
	return records
}

// freePorts returns two UDP ports that are free on loopback.
func freePorts() (first, second int, err error) {
	ports := [2]int{}
	for i := range ports {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return 0, 0, err
		}
		defer c.Close()
		ports[i] = c.LocalAddr().(*net.UDPAddr).Port
	}
	return ports[0], ports[1], nil
}
