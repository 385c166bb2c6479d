package scripts

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// TestArgumentsAndEnvironment: arguments and environment, to the last word. Nothing of our own environment
// is there.
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
// know the first's addresses, ip-down knows what came after ip-up, and another session begins
// with none.
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
	if _, err := h.Open(info); err != nil {
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
	if _, err := h.Open(info); err != nil {
		t.Fatal(err)
	}
	has(NetInit)
}

// TestNoIPParam: without ipparam a script has one argument less, and with an empty one it has that.
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

// TestUnit: a device always has a number: that of its name, or the one wanted, or its own.
func TestUnit(t *testing.T) {
	loopback, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		device string
		wanted int
		want   string
	}{
		{"ppp0", -1, "0"},
		{"ppp17", 3, "17"},
		{"wan", 3, "3"},
		{"wan", 0, "0"},
		{"lo", 0, "0"},
		{"lo", -1, strconv.Itoa(loopback.Index)},
		{"pppx", 5, "5"},
		{"ppp", 5, "5"},
		{"nowhere0", -1, "0"},
	} {
		k := &sessionEnv{}
		if got := k.unitNumber(c.device, c.wanted); got != c.want {
			t.Errorf("%s, with unit %d, has the number %s, want %s", c.device, c.wanted, got, c.want)
		}
	}
	k := &sessionEnv{device: "gone0", unit: "9"}
	if got := k.unitNumber("gone0", -1); got != "9" {
		t.Errorf("a device that has gone has the number %s, want that which it had", got)
	}
}

// TestUmask: nobody else can read what scripts write, whether the thread has an umask of its own
// or the process lends its; that is as before then.
func TestUmask(t *testing.T) {
	before := unix.Umask(0o022)
	defer unix.Umask(before)
	for name, begin := range map[string]func(*exec.Cmd) error{"a thread's": start, "the process's": startShared} {
		p := newTestDir(t)
		p.add(t, IPUp, `umask >%[1]s/umask`)
		cmd := exec.Command(filepath.Join(p.dir, IPUp))
		if err := begin(cmd); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		if got := strings.TrimSpace(p.read(t, "umask")); got != "0077" {
			t.Errorf("%s umask is %s, want 0077", name, got)
		}
		if now := unix.Umask(0o022); now != 0o022 {
			t.Errorf("%s: then the umask is %04o, want 0022", name, now)
		}
	}
}

// TestStartErrors: the message names what is wrong with a script, where the kernel says only that
// there is no such file.
func TestStartErrors(t *testing.T) {
	for text, want := range map[string]string{
		"#!/bin/sh\r\necho\r\n":     `its lines end with CR LF, as on Windows, so that the kernel looks for an interpreter "/bin/sh\r": sed -i 's/\r$//' `,
		"#! /bin/sh -e\r\necho\r\n": "", // which runs, and complains of an option itself
		"#!/no/such/program -x\n":   `its interpreter "/no/such/program" is not there`,
		"echo of no interpreter\n":  "its first line names no interpreter: it should be #!/bin/sh",
		"":                          "its first line names no interpreter: it should be #!/bin/sh",
		"#!/bin/sh\nexit 0\n":       "",
		"#!  \t/no/such/program\n":  `its interpreter "/no/such/program" is not there`,
	} {
		p := newTestDir(t)
		path := filepath.Join(p.dir, IPUp)
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		s := p.scripts(nil)
		s.Notify(info, withIPv4("192.0.2.10"))
		s.Close()
		log := p.log.String()
		if want == "" && strings.Contains(log, "Can't execute") || want != "" && !strings.Contains(unquoted(log), "Can't execute "+path+": "+want) {
			t.Errorf("%.20q: the log is %s, want %q", text, log, want)
		}
	}
}

// unquoted takes back how slog's handler quotes messages.
func unquoted(log string) string {
	_, after, _ := strings.Cut(log, "msg=")
	text, err := strconv.QuotedPrefix(after)
	if err != nil {
		return log
	}
	text, _ = strconv.Unquote(text)
	return text
}

// TestNameServers: of servers there are any only if they were asked for, and given.
func TestNameServers(t *testing.T) {
	p := newTestDir(t)
	p.addRecording(t, IPUp)
	for _, c := range []struct {
		given [2]netip.Addr
		want  []string
	}{
		{[2]netip.Addr{}, nil},
		{[2]netip.Addr{1: addressing.IPv4.DNS[0]}, []string{"DNS2=192.0.2.53", "USEPEERDNS=1"}},
	} {
		s := p.scripts(nil)
		told := withIPv4("192.0.2.10")
		told.IPv4.DNS = c.given
		s.Notify(info, told)
		s.Close()
		env := slices.DeleteFunc(p.env(t, IPUp), func(v string) bool { return !strings.Contains(v, "DNS") })
		if !slices.Equal(env, c.want) {
			t.Errorf("given %v: %q, want %q", c.given, env, c.want)
		}
	}
}

// TestUntrustedNames: what a stranger calls itself is one word, in which a shell that
// evaluates it finds nothing to do.
func TestUntrustedNames(t *testing.T) {
	p := newTestDir(t)
	p.add(t, IPUp, `eval "ac=$ACNAME"; eval "peer=$PEERNAME"; echo "$ac" >%[1]s/ac`)
	p.addRecording(t, AuthUp)
	hostile := "x$(touch " + p.dir + "/a)`touch " + p.dir + "/b`;touch " + p.dir + "/c\n|touch " + p.dir + "/d&touch " + p.dir + "/e'\"\x00\x1b[2J\xff"
	l := info
	l.ACName, l.User = strings.ReplaceAll(hostile, " ", "\t"), hostile[:20]
	s := p.scripts(nil)
	s.Notify(l, session.Authenticated{Peer: true, Name: hostile})
	s.Notify(l, withIPv4("192.0.2.10"))
	s.Close()
	for _, made := range []string{"a", "b", "c", "d", "e"} {
		if _, err := os.Stat(filepath.Join(p.dir, made)); err == nil {
			t.Errorf("the peer had %s made", made)
		}
	}
	if lines := strings.Count(p.read(t, "ac"), "\n"); lines != 1 {
		t.Errorf("the name has %d lines", lines)
	}
	for _, env := range p.env(t, AuthUp) {
		if bytes.ContainsFunc([]byte(env), func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune("\\`$\"'&|;<>(){}*?", r) }) || !strings.Contains(env, "=") {
			t.Errorf("a script has %q", env)
		}
	}
	if args := strings.Count(p.read(t, "auth-up.args"), "><"); args != 5 {
		t.Errorf("auth-up has %d arguments", args+1)
	}
}

// TestSanitize: what a script has of a peer's words. \033 and \c are what dash's echo acts on.
func TestSanitize(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "alice@isp.example": "alice@isp.example", "M\u00fcller 2": "M\u00fcller 2", "a%b=c,d/e:f+g-h": "a%b=c,d/e:f+g-h",
		`DOMAIN\user`: "DOMAIN_user", `x\033[2J\c`: "x_033_2J_c", "\x1b[2J": "__2J", "a\nb\x7f\u009b\u202e\u2028\xff": "a_b_____",
		"-rf -x": "_rf -x", "!#~^[]*?{}()<>|&;'\"$`": "____________________" + "_",
		strings.Repeat("\u00fc", wire.MaxShownText):              strings.Repeat("\u00fc", wire.MaxShownText),
		strings.Repeat("\u00fc", wire.MaxShownText-1) + "\nmore": strings.Repeat("\u00fc", wire.MaxShownText-1) + "_",
	} {
		if got := sanitize(text); got != want {
			t.Errorf("of %q a script has %q, want %q", text, got, want)
		}
	}
}

// fifo is a pipe by which a script and a test wait for each other.
func (p *testDir) fifo(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(p.dir, name)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// release waits until a script reads, and has it go on.
func release(t *testing.T, fifo string) {
	t.Helper()
	if err := os.WriteFile(fifo, []byte("go\n"), 0); err != nil {
		t.Error(err)
	}
}

// TestNoOverlap: a slow script holds up what comes after it, and what has come and gone
// meanwhile is skipped.
func TestNoOverlap(t *testing.T) {
	p := newTestDir(t)
	p.fifo(t, "begun")
	up, down := p.fifo(t, "up"), p.fifo(t, "down")
	p.add(t, IPUp, `echo "ip-up $4" >>%[1]s/said; echo up >%[1]s/begun; read x <%[1]s/up`)
	p.add(t, IPDown, `echo "ip-down $4 $CONNECT_TIME" >>%[1]s/said; echo down >%[1]s/begun; read x <%[1]s/down`)
	begun := func(want string) {
		t.Helper()
		if got := strings.TrimSpace(p.read(t, "begun")); got != want {
			t.Fatalf("ip-%s has begun, want ip-%s", got, want)
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

// TestAddressChanged: a peer that negotiates anew gives other addresses, and the scripts
// are told of both.
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

// TestCloseTimeout: a script that does not end is ended, and nothing is begun after it.
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
		t.Error("Close has returned, and a script runs")
	}
	if said := p.said(t); said != IPUp {
		t.Errorf("ran: %s", said)
	}
}

// TestTerminated: a script has the time to clean up.
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

// TestLimitWaits: a script that is waited for, and does not end, is ended once its program has to.
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
	s.runAndWait(NetDown, s.ipCall(info, addressing)) // what comes later may run, for as long
	s.Close()
	if log := p.log.String(); strings.Count(log, "finished") != 2 || strings.Contains(log, "Can't") {
		t.Errorf("the log is\n%s", log)
	}
}

// TestMissingScript: a script that is missing is nobody's concern; one that cannot run is
// told of.
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
			t.Errorf("the log has not once %q:\n%s", want, log)
		}
	}
}

// TestKilledScript: one that a signal ended is told with its whole status.
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

// TestPrefixes: a line whose prefix changes again and again has its scripts run each time.
func TestPrefixes(t *testing.T) {
	p := newTestDir(t)
	p.addLogging(t, PrefixUp, PrefixDown)
	s := p.scripts(nil)
	var want []string
	for n := range 3 * maxPrefixes {
		prefix := fmt.Sprintf("2001:db8:%x::/56", n)
		s.SetDelegatedPrefixes(info, []string{prefix}, nil, nil)
		for _, p := range s.upDowns() {
			<-p.settled()
		}
		s.SetDelegatedPrefixes(info, []string{prefix}, nil, nil) // renewed
		s.SetDelegatedPrefixes(info, nil, nil, nil)
		for _, p := range s.upDowns() {
			<-p.settled()
		}
		want = append(want, PrefixUp+" "+prefix, PrefixDown+" "+prefix)
	}
	s.Close()
	if said := p.said(t); said != strings.Join(want, ", ") {
		t.Errorf("ran: %s", said)
	}
	if len(s.prefixes) > 1 {
		t.Errorf("%d prefixes are remembered that have gone", len(s.prefixes))
	}
}

// TestAuthOnce: that we have proved who we are, or the peer has once more, is no news.
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

// fakeNetwork says in the place's file what it is asked to do.
type fakeNetwork struct {
	t *testing.T
	p *testDir
}

func (h fakeNetwork) say(what string) {
	f, err := os.OpenFile(filepath.Join(h.p.dir, "said"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		h.t.Error(err)
		return
	}
	defer f.Close()
	fmt.Fprintln(f, what)
}

type fakeDevice struct{ tun.Device }

func (fakeDevice) Name() string { return "ppp0" }

func (h fakeNetwork) Open(pppoe.SessionInfo) (tun.Device, error) {
	h.say("open")
	return fakeDevice{}, nil
}

func (h fakeNetwork) Configure(_ pppoe.SessionInfo, _, want pppoe.Addressing) error {
	h.say("configure")
	return nil
}

func (h fakeNetwork) Close(pppoe.SessionInfo, pppoe.Addressing) { h.say("close") }

// TestWrapNetwork: where pppd waits, the host's network waits too.
func TestWrapNetwork(t *testing.T) {
	p := newTestDir(t)
	for _, name := range []string{NetInit, NetPreUp, NetDown} {
		p.add(t, name, `echo "`+name+` $1 $4" >>%[1]s/said`)
	}
	s := p.scripts(nil)
	defer s.Close()
	h := s.WrapNetwork(fakeNetwork{t, p})
	if d, err := h.Open(pppoe.SessionInfo{}); err != nil || d.Name() != "ppp0" {
		t.Fatal(d, err)
	}
	only6 := pppoe.Addressing{MTU: 1492, IPv6: addressing.IPv6}
	h.Configure(info, pppoe.Addressing{}, only6)
	h.Configure(info, only6, addressing)
	h.Configure(info, addressing, only6)
	h.Close(info, only6)
	want := "open, net-init ppp0 param, net-pre-up ppp0 param, configure, configure, configure, close, net-down ppp0 param"
	if said := p.said(t); said != want {
		t.Errorf("did: %s\nwant: %s", said, want)
	}
}

// TestDHCP6Services: dhcp6-up runs with what is told, again if that changes, and dhcp6-down when it is
// told no more; ipv6-prefix-up has it too. What a server has chosen is safe.
func TestDHCP6Services(t *testing.T) {
	p := newTestDir(t)
	p.add(t, DHCP6Up, `echo "up $AFTR $NTP_IP $DNS6 $IFNAME" >>%[1]s/said`)
	p.add(t, DHCP6Down, `echo "down $AFTR" >>%[1]s/said`)
	p.add(t, PrefixUp, `echo "prefix $PREFIX $AFTR" >>%[1]s/said`)
	s := p.scripts(nil)
	tell := func(env ...string) {
		s.SetDHCP6Services(info, []string{"2001:db8::53"}, env)
		s.settle()
	}
	tell()
	tell("AFTR=aftr.example", "NTP_IP=2001:db8::1 2001:db8::2")
	tell("AFTR=aftr.example", "NTP_IP=2001:db8::1 2001:db8::2")
	tell("AFTR=$(reboot)")
	s.SetDelegatedPrefixes(info, []string{"2001:db8::/56"}, nil, []string{"AFTR=`x`"})
	<-s.prefixes["2001:db8::/56"].settled()
	tell()
	tell()
	s.Close()
	want := "up aftr.example 2001:db8::1 2001:db8::2 2001:db8::53 ppp0, down aftr.example, up __reboot_  2001:db8::53 ppp0, prefix 2001:db8::/56 _x_, down __reboot_"
	if said := p.said(t); said != want {
		t.Errorf("%s, want %s", said, want)
	}
}
