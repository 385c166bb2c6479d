package scripts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"upppoe/pppoe"
	"upppoe/tun"
)

// TestExecutable: a plain file that anybody may execute is a program, whatever else it allows.
func TestExecutable(t *testing.T) {
	dir := t.TempDir()
	for mode, want := range map[os.FileMode]bool{0o100: true, 0o010: true, 0o001: true, 0o755: true, 0o644: false, 0o666: false, 0: false} {
		path := filepath.Join(dir, fmt.Sprintf("%o", mode))
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		if err := executable(path); (err == nil) != want {
			t.Errorf("mode %04o: %v, want a program: %v", mode, err, want)
		}
	}
	if err := executable(dir); err == nil {
		t.Error("a folder is a program")
	}
	if err := executable(dir + "/none"); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestDedupeEnv: of a name that comes twice the last value counts, in its place; a name alone takes it out.
func TestDedupeEnv(t *testing.T) {
	for _, c := range []struct{ env, want string }{
		{"", ""}, {"A=1 B=2", "A=1 B=2"}, {"A=1 B=2 A=3", "B=2 A=3"}, {"A=1 A", ""}, {"A A=1", "A=1"}, {"A=1 B", "A=1"},
		{"A=1=2 A=3=", "A=3="}, {"AB=1 A", "AB=1"}, {"A= B", "A="},
	} {
		if got := dedupeEnv(strings.Fields(c.env)); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("of %q stays %q, want %q", c.env, got, c.want)
		}
	}
}

// TestExitStatus: an exit code, or the whole status of a script that a signal has ended (wait(2)).
func TestExitStatus(t *testing.T) {
	for status, want := range map[syscall.WaitStatus]int{0: 0, 0x100: 1, 0xff00: 255, 9: 9, 0x8b: 0x8b, 15: 15} {
		if got := exitStatus(status); got != want {
			t.Errorf("status %#x is %#x, want %#x", uint32(status), got, want)
		}
	}
}

// TestInterpreter: what the first line names, of which the kernel reads 256 octets.
func TestInterpreter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "script")
	long := "/" + strings.Repeat("x", 252)
	for text, want := range map[string]string{
		"#!/bin/sh\necho\n": "/bin/sh", "#!/bin/sh": "/bin/sh", "#!/bin/sh -e\n": "/bin/sh", "#! \t /bin/sh -e x\n": "/bin/sh", "#!/bin/sh\r\n": "/bin/sh\r",
		"#!": "", "#!\n": "", "#/bin/sh\n": "none", "/bin/sh\n": "none", "": "none", "\n#!/bin/sh\n": "none",
		"#!" + long + "\n": long, "#!" + long + "y": long + "y", "#!" + long + "yz": long + "y",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, found := interpreterOf(path)
		if want == "none" && found || want != "none" && (!found || string(got) != want) {
			t.Errorf("%.40q: %.40q, %v; want %.40q", text, got, found, want)
		}
	}
	if _, found := interpreterOf(path + "2"); found {
		t.Error("a file that is not there names an interpreter")
	}
}

// TestUnitBounds: the greatest number that a device's name may have, and one more.
func TestUnitBounds(t *testing.T) {
	for device, want := range map[string]string{"ppp2147483647": "2147483647", "ppp2147483648": "5", "ppp-1": "5", "xppp1": "5"} {
		if got := (&sessionEnv{}).unitNumber(device, 5); got != want {
			t.Errorf("%s has the number %s, want %s", device, got, want)
		}
	}
}

// TestManyPrefixes: scripts are run for 16 prefixes at a time; one more is told once another has gone.
func TestManyPrefixes(t *testing.T) {
	p := newTestDir(t)
	p.add(t, PrefixUp, `echo "$DNS6" >%[1]s/servers`)
	s := p.scripts(nil)
	defer s.Close()
	var prefixes []string
	for n := range 17 {
		prefixes = append(prefixes, fmt.Sprintf("2001:db8:%x::/64", n))
	}
	told := func(want int) {
		t.Helper()
		for _, p := range s.upDowns() {
			<-p.settled()
		}
		up := 0
		for _, pair := range s.prefixes {
			if pair.isUp() {
				up++
			}
		}
		if up != want {
			t.Errorf("scripts are told of %d prefixes, want %d", up, want)
		}
	}
	s.SetDelegatedPrefixes(info, prefixes[:15], []string{"2001:db8::1", "2001:db8::2"}, nil)
	told(15)
	if servers := p.read(t, "servers"); servers != "2001:db8::1 2001:db8::2\n" {
		t.Errorf("the name servers are %q", servers)
	}
	s.SetDelegatedPrefixes(info, prefixes, nil, nil)
	told(16)
	s.SetDelegatedPrefixes(info, nil, nil, nil)
	told(0)
	s.SetDelegatedPrefixes(info, prefixes[16:], nil, nil) // what has gone is no longer remembered then
	told(1)
}

// failingNetwork cannot open a device.
type failingNetwork struct{ pppoe.HostNetwork }

var errNoDevice = errors.New("no device")

func (failingNetwork) Open(pppoe.SessionInfo) (tun.Device, error) { return nil, errNoDevice }

// TestNoDevice: without a device no script runs.
func TestNoDevice(t *testing.T) {
	p := newTestDir(t)
	p.addLogging(t, NetInit, AuthUp)
	s := p.scripts(nil)
	named := info
	named.User = "alice"
	if _, err := s.WrapNetwork(failingNetwork{}).Open(named); err != errNoDevice {
		t.Errorf("%v, want %v", err, errNoDevice)
	}
	s.Close()
	if _, err := os.Stat(filepath.Join(p.dir, "said")); !os.IsNotExist(err) {
		t.Errorf("ran: %s", p.said(t))
	}
}

// TestAuthUpOfKnownPeer: a server's session has its device once the user is known: auth-up runs then.
func TestAuthUpOfKnownPeer(t *testing.T) {
	p := newTestDir(t)
	p.addLogging(t, NetInit, AuthUp)
	s := p.scripts(nil)
	named := info
	named.User = "alice"
	if _, err := s.WrapNetwork(fakeNetwork{t, p}).Open(named); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if said := p.said(t); !strings.Contains(said, AuthUp) || !strings.Contains(said, NetInit) {
		t.Errorf("ran: %s", said)
	}
}

// TestOldAddresses: ip-up has both addresses from before, and none the first time.
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
