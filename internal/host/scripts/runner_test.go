package scripts

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// TestArgumentsAndEnvironment: all arguments and variables. Our own environment is not passed on.
func TestArgumentsAndEnvironment(t *testing.T) {
	t.Setenv("PPPOE_PASSWORD", "secret")
	p := newTestDir(t)
	p.addRecording(t, IPUp, IPDown, IPv6Up, IPv6Down, AuthUp, AuthDown)
	s := p.scripts(func(c *Config) { c.Env = []string{"LINKNAME=isp", "CALL_FILE=x", "MINE=1", "MINE=2", "CALL_FILE"} })
	s.Notify(info, session.Authenticated{Peer: true, Name: "peer"})
	named := info
	named.User = "peer"
	s.Notify(named, pppoe.Configured{Addressing: addressing})
	s.settle()
	s.Notify(named, lost4)
	lost6 := lost4
	lost6.Protocol = ppp.IPv6CP
	s.Notify(named, lost6)
	s.Notify(named, pppoe.Ended{Uptime: lost4.Uptime, Counters: lost4.Counters})
	s.Close()

	set := []string{"LINKNAME=isp", "MINE=2", "PEERNAME=peer"}
	ipv4 := []string{"IPLOCAL=192.0.2.10", "IPREMOTE=192.0.2.1", "DNS1=192.0.2.53", "USEPEERDNS=1", "WINS2=192.0.2.54", "USEPEERWINS=1"}
	ipv6 := []string{"LLLOCAL=fe80::1", "LLREMOTE=fe80::2"}
	end := []string{"BYTES_RCVD=2000", "BYTES_SENT=1000", "CONNECT_TIME=61"}
	for script, want := range map[string]struct {
		args string
		env  [][]string
	}{
		AuthUp:   {"<ppp0><peer><alice><eth0><0><param>", [][]string{set}},
		AuthDown: {"<ppp0><peer><alice><eth0><0><param>", [][]string{set, ipv4, ipv6, end}},
		IPUp:     {"<ppp0><eth0><0><192.0.2.10><192.0.2.1><param>", [][]string{set, ipv4, ipv6}},
		IPDown:   {"<ppp0><eth0><0><192.0.2.10><192.0.2.1><param>", [][]string{set, ipv4, ipv6, end}},
		IPv6Up:   {"<ppp0><eth0><0><fe80::1><fe80::2><param>", [][]string{set, ipv4, ipv6}},
		IPv6Down: {"<ppp0><eth0><0><fe80::1><fe80::2><param>", [][]string{set, ipv4, ipv6, end}},
	} {
		if args := p.read(t, script+".args"); args != want.args {
			t.Errorf("%s: arguments %s, want %s", script, args, want.args)
		}
		env := append(slices.Concat(want.env...), common()...)
		slices.Sort(env)
		if got := p.env(t, script); !slices.Equal(got, env) {
			t.Errorf("%s: environment\n%q, want\n%q", script, got, env)
		}
		if where := p.read(t, script+".where"); where != "/dev/null\n/\n" {
			t.Errorf("%s: standard input and directory %q", script, where)
		}
	}
}

// TestVariablesPersist: a variable stays once it is set, as in pppd: the second family's scripts
// have the first's addresses, ip-down has what came after ip-up, and another session begins with
// none.
func TestVariablesPersist(t *testing.T) {
	p := newTestDir(t)
	p.addRecording(t, NetPreUp, IPPreUp, IPUp, IPDown, IPv6Up, NetDown, NetInit)
	s := p.scripts(nil)
	defer s.Close()
	has := func(script string, want ...string) {
		t.Helper()
		s.settle()
		env := p.env(t, script)
		for _, name := range []string{"IPLOCAL", "IPREMOTE", "LLLOCAL", "LLREMOTE", "DNS1"} {
			there := slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
			if there != slices.Contains(want, name) {
				t.Errorf("%s has %s: %v, want %v", script, name, there, !there)
			}
		}
	}
	h := s.WrapNetwork(fakeNetwork{t, p})
	if _, err := h.Open(unopened(info)); err != nil {
		t.Fatal(err)
	}
	has(NetInit)
	only4 := pppoe.Addressing{MTU: 1492, IPv4: addressing.IPv4}
	h.Configure(info, pppoe.Addressing{}, only4)
	has(NetPreUp)
	s.PreUp(info, only4)
	has(IPPreUp, "IPLOCAL", "IPREMOTE", "DNS1")
	s.Notify(info, pppoe.Configured{Addressing: only4})
	has(IPUp, "IPLOCAL", "IPREMOTE", "DNS1")
	h.Configure(info, only4, addressing)
	s.Notify(info, pppoe.Configured{Addressing: addressing, Previous: only4})
	has(IPv6Up, "IPLOCAL", "IPREMOTE", "DNS1", "LLLOCAL", "LLREMOTE")
	s.Notify(info, lost4)
	has(IPDown, "IPLOCAL", "IPREMOTE", "DNS1", "LLLOCAL", "LLREMOTE")
	h.Close(info, addressing)
	has(NetDown, "IPLOCAL", "IPREMOTE", "DNS1", "LLLOCAL", "LLREMOTE")
	if _, err := h.Open(unopened(info)); err != nil {
		t.Fatal(err)
	}
	has(NetInit)
}

// TestNoIPParam: without ipparam a script has one argument less, and with an empty one an empty
// argument.
func TestNoIPParam(t *testing.T) {
	empty := ""
	for _, c := range []struct {
		param *string
		want  map[string]string
	}{
		{nil, map[string]string{AuthUp: "<ppp0><peer><alice><eth0><0>", IPUp: "<ppp0><eth0><0><192.0.2.10><192.0.2.1>",
			IPv6Up: "<ppp0><eth0><0><fe80::1><fe80::2>", NetDown: "<ppp0><eth0><0>", PrefixUp: "<ppp0><eth0><0><2001:db8::/56><>"}},
		{&empty, map[string]string{AuthUp: "<ppp0><peer><alice><eth0><0><>", IPUp: "<ppp0><eth0><0><192.0.2.10><192.0.2.1><>",
			IPv6Up: "<ppp0><eth0><0><fe80::1><fe80::2><>", NetDown: "<ppp0><eth0><0><>", PrefixUp: "<ppp0><eth0><0><2001:db8::/56><><>"}},
	} {
		p := newTestDir(t)
		for script := range c.want {
			p.addRecording(t, script)
		}
		s := p.scripts(func(cfg *Config) { cfg.IPParam = c.param })
		s.Notify(info, session.Authenticated{Peer: true, Name: "peer"})
		s.Notify(info, pppoe.Configured{Addressing: addressing})
		s.SetDelegatedPrefixes(info, []string{"2001:db8::/56"}, nil, nil)
		s.runAndWait(NetDown, s.netCall(info))
		s.Close()
		for script, want := range c.want {
			if got := p.read(t, script+".args"); got != want {
				t.Errorf("%s has arguments %s, want %s", script, got, want)
			}
		}
	}
}

// fifo creates a pipe by which a script and a test wait for each other.
func (p *testDir) fifo(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(p.dir, name)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// release waits until a script reads, and lets it go on.
func release(t *testing.T, fifo string) {
	t.Helper()
	if err := os.WriteFile(fifo, []byte("go\n"), 0); err != nil {
		t.Error(err)
	}
}

// TestNoOverlap: a slow script delays the next one, and changes meanwhile are skipped.
func TestNoOverlap(t *testing.T) {
	p := newTestDir(t)
	p.fifo(t, "begun")
	up, down := p.fifo(t, "up"), p.fifo(t, "down")
	p.add(t, IPUp, `echo "ip-up $4" >>%[1]s/said; echo up >%[1]s/begun; read x <%[1]s/up`)
	p.add(t, IPDown, `echo "ip-down $4 $CONNECT_TIME" >>%[1]s/said; echo down >%[1]s/begun; read x <%[1]s/down`)
	begun := func(want string) {
		t.Helper()
		if got := strings.TrimSpace(p.read(t, "begun")); got != want {
			t.Fatalf("ip-%s has started, want ip-%s", got, want)
		}
	}
	s := p.scripts(nil)
	s.Notify(info, withIPv4("192.0.2.1"))
	begun("up")
	s.Notify(info, lost4)
	s.Notify(info, withIPv4("192.0.2.2"))
	s.Notify(info, lost4)
	s.Notify(info, withIPv4("192.0.2.3"))
	release(t, up)
	begun("down")
	release(t, down)
	begun("up")
	release(t, up)
	s.settle()
	s.Notify(info, lost4)
	begun("down")
	s.Notify(info, withIPv4("192.0.2.4"))
	s.Notify(info, lost4)
	release(t, down)
	s.Close()
	want := "ip-up 192.0.2.1, ip-down 192.0.2.1 61, ip-up 192.0.2.3, ip-down 192.0.2.3 61"
	if said := p.said(t); said != want {
		t.Errorf("ran: %s\nwant: %s", said, want)
	}
}

// TestAddressChanged: when the peer assigns other addresses, the scripts get both.
func TestAddressChanged(t *testing.T) {
	p := newTestDir(t)
	p.addLogging(t, IPDown, IPv6Up)
	p.add(t, IPUp, `echo "ip-up $4 from $OLDIPLOCAL" >>%[1]s/said`)
	s := p.scripts(nil)
	first := withIPv4("192.0.2.1")
	s.Notify(info, first)
	second := withIPv4("192.0.2.2")
	second.Previous = first.Addressing
	s.settle()
	s.Notify(info, second)
	third := second
	third.Previous, third.IPv6 = second.Addressing, addressing.IPv6
	s.settle()
	s.Notify(info, third)
	s.Close()
	if said, want := p.said(t), "ip-up 192.0.2.1 from, ip-down 192.0.2.1, ip-up 192.0.2.2 from 192.0.2.1, ipv6-up fe80::1"; strings.ReplaceAll(said, " ,", ",") != want {
		t.Errorf("ran: %s; want %s", said, want)
	}
}

// TestCloseTimeout: a script that does not end is terminated, and no other one starts after it.
func TestCloseTimeout(t *testing.T) {
	p := newTestDir(t)
	started := p.fifo(t, "started")
	p.add(t, IPUp, `trap '' TERM
echo ip-up >%[1]s/said
read x <%[1]s/started
while :; do :; done`)
	p.addLogging(t, IPDown)
	s := p.scripts(func(c *Config) { c.Timeout = time.Nanosecond })
	s.Notify(info, withIPv4("192.0.2.1"))
	release(t, started)
	s.Notify(info, lost4)
	s.Close()
	select {
	case <-s.ip.settled():
	default:
		t.Error("Close has returned while a script runs")
	}
	if said := p.said(t); said != IPUp {
		t.Errorf("ran: %s", said)
	}
}

// TestTerminated: a script has time to clean up.
func TestTerminated(t *testing.T) {
	p := newTestDir(t)
	started := p.fifo(t, "started")
	p.add(t, IPUp, `trap 'echo terminated >>%[1]s/said; exit' TERM
read x <%[1]s/started
while :; do :; done`)
	s := p.scripts(func(c *Config) { c.Timeout = time.Nanosecond })
	s.Notify(info, withIPv4("192.0.2.1"))
	release(t, started)
	s.Close()
	if said := p.said(t); said != "terminated" {
		t.Errorf("the script said %q", said)
	}
}

// TestLimitWaits: a script that is waited for, and does not end, is terminated once the program
// has to end.
func TestLimitWaits(t *testing.T) {
	p := newTestDir(t)
	started := p.fifo(t, "started")
	p.add(t, IPPreUp, `read x <%[1]s/started
while :; do :; done`)
	s := p.scripts(func(c *Config) { c.Timeout = time.Nanosecond })
	done := make(chan struct{})
	go func() {
		s.runAndWait(IPPreUp, s.ipCall(info, addressing))
		close(done)
	}()
	release(t, started)
	s.LimitWaits()
	<-done
	p.addLogging(t, NetDown)
	s.cfg.Timeout = time.Hour
	s.runAndWait(NetDown, s.ipCall(info, addressing)) // a later one may run as long
	s.Close()
	if log := p.log.String(); strings.Count(log, "finished") != 2 || strings.Contains(log, "Can't") {
		t.Errorf("the log is\n%s", log)
	}
}

// TestMissingScript: a missing script is not logged; one that cannot run is.
func TestMissingScript(t *testing.T) {
	p := newTestDir(t)
	os.Mkdir(filepath.Join(p.dir, IPv6Up), 0o755)
	os.WriteFile(filepath.Join(p.dir, IPUp), []byte("#!/bin/sh\n"), 0o644)
	os.WriteFile(filepath.Join(p.dir, AuthUp), []byte("#!/no/such/program\n"), 0o755)
	p.add(t, "elsewhere", `echo "elsewhere $4" >>%[1]s/said; exit 3`)
	s := p.scripts(func(c *Config) { c.Paths = map[string]string{IPDown: filepath.Join(p.dir, "elsewhere")} })
	s.Notify(info, session.Authenticated{Peer: true, Name: "peer"})
	s.Notify(info, pppoe.Configured{Addressing: addressing})
	s.settle()
	s.Notify(info, lost4)
	s.Close()
	if said := p.said(t); said != "elsewhere 192.0.2.10" {
		t.Errorf("ran: %s", said)
	}
	log := p.log.String()
	for _, want := range []string{"Can't execute " + p.dir + "/ip-up: ", "Can't execute " + p.dir + "/ipv6-up: ", "Can't execute " + p.dir + "/auth-up: ", "status = 0x3"} {
		if strings.Count(log, want) != 1 {
			t.Errorf("want %q once in the log:\n%s", want, log)
		}
	}
}

// TestKilledScript: the whole status of a script that a signal has ended is logged.
func TestKilledScript(t *testing.T) {
	p := newTestDir(t)
	p.add(t, IPUp, "kill -9 $$")
	s := p.scripts(func(*Config) {})
	s.Notify(info, pppoe.Configured{Addressing: addressing})
	s.settle()
	s.Close()
	if log := p.log.String(); !strings.Contains(log, "status = 0x9\"") {
		t.Errorf("the log is\n%s", log)
	}
}

// TestAuthOnce: that we have authenticated ourselves, or the peer has repeatedly, runs no script.
func TestAuthOnce(t *testing.T) {
	p := newTestDir(t)
	p.addLogging(t, AuthUp, AuthDown)
	s := p.scripts(nil)
	s.Notify(info, session.Authenticated{Name: "alice"})
	s.Notify(info, session.Authenticated{Peer: true, Name: "peer"})
	s.settle()
	s.Notify(info, session.Authenticated{Peer: true, Name: "peer", Repeated: true})
	s.Notify(info, pppoe.Ended{})
	s.Notify(info, pppoe.Ended{})
	s.Close()
	if said := p.said(t); said != "auth-up eth0, auth-down eth0" {
		t.Errorf("ran: %s", said)
	}
}

// TestAdopted: of a session that is adopted, only the scripts for its end run.
func TestAdopted(t *testing.T) {
	p := newTestDir(t)
	p.addLogging(t, AuthUp, AuthDown, IPUp, IPDown, IPv6Up, IPv6Down)
	s := p.scripts(nil)
	user := info
	user.User = "alice"
	s.Notify(user, pppoe.Adopted{Addressing: addressing})
	s.settle()
	s.Notify(user, pppoe.NetworkLost{Protocol: ppp.IPCP})
	s.settle()
	s.Notify(user, pppoe.NetworkLost{Protocol: ppp.IPv6CP})
	s.settle()
	s.Notify(user, pppoe.Ended{})
	s.Close()
	if said := p.said(t); said != "ip-down 192.0.2.10, ipv6-down fe80::1, auth-down eth0" {
		t.Errorf("ran: %s", said)
	}
}

// TestDHCP6Services: dhcp6-up runs with the services, again when they change, and dhcp6-down when
// there are none any more; ipv6-prefix-up has them too. Values from a server are sanitized.
func TestDHCP6Services(t *testing.T) {
	p := newTestDir(t)
	p.add(t, DHCP6Up, `echo "up $AFTR $NTP_IP $DNS6 $IFNAME" >>%[1]s/said`)
	p.add(t, DHCP6Down, `echo "down $AFTR" >>%[1]s/said`)
	p.add(t, PrefixUp, `echo "prefix $PREFIX $AFTR" >>%[1]s/said`)
	s := p.scripts(nil)
	set := func(env ...string) {
		s.SetDHCP6Services(info, []string{"2001:db8::53"}, env)
		s.settle()
	}
	set()
	set("AFTR=aftr.example", "NTP_IP=2001:db8::1 2001:db8::2")
	set("AFTR=aftr.example", "NTP_IP=2001:db8::1 2001:db8::2")
	set("AFTR=$(reboot)")
	s.SetDelegatedPrefixes(info, []string{"2001:db8::/56"}, nil, []string{"AFTR=`x`"})
	<-s.prefixes["2001:db8::/56"].settled()
	set()
	set()
	s.Close()
	want := "up aftr.example 2001:db8::1 2001:db8::2 2001:db8::53 ppp0, down aftr.example, up __reboot_  2001:db8::53 ppp0, prefix 2001:db8::/56 _x_, down __reboot_"
	if said := p.said(t); said != want {
		t.Errorf("%s, want %s", said, want)
	}
}

// TestOldAddresses: ip-up has both previous addresses, and none the first time.
func TestOldAddresses(t *testing.T) {
	p := newTestDir(t)
	p.add(t, IPUp, `echo "from $OLDIPLOCAL/$OLDIPREMOTE" >>%[1]s/said`)
	s := p.scripts(nil)
	first := withIPv4("192.0.2.10")
	first.IPv4.Remote = addressing.IPv4.Remote
	s.Notify(info, first)
	s.settle()
	second := withIPv4("192.0.2.11")
	second.Previous = first.Addressing
	s.Notify(info, second)
	s.Close()
	if said, want := p.said(t), "from /, from 192.0.2.10/192.0.2.1"; said != want {
		t.Errorf("ran: %s; want %s", said, want)
	}
}
