package netconfig

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
)

// fakePrograms writes shell scripts into a directory that is all of PATH, and returns the file in
// which they record how they were called.
func fakePrograms(t *testing.T, scripts map[string]string) (calls string) {
	t.Helper()
	dir := t.TempDir()
	calls = filepath.Join(dir, "calls")
	for name, script := range scripts {
		text := fmt.Sprintf("#!/bin/sh\necho \"%s $*\" >>%s\n%s\n", name, calls, script)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return calls
}

const (
	works     = "while read -r line; do echo \"< $line\"; done >>${0%/*}/calls"
	noService = "echo 'Failed to set DNS configuration: Unit dbus-org.freedesktop.resolve1.service not found.' >&2; exit 1"
)

// TestResolver: each resolver is used when it is selected or is the first one that works, and its
// setting is undone at the end; the log says which it was.
func TestResolver(t *testing.T) {
	none := map[string]string{}
	both := map[string]string{"resolvectl": works, "resolvconf": works}
	const (
		conf = "resolvconf -a ppp9.ppp\n< nameserver 192.0.2.53\n< nameserver 192.0.2.54\n"
		ctl  = "resolvectl dns ppp9 192.0.2.53 192.0.2.54\n"
	)
	for _, c := range []struct {
		name     string
		resolver Resolver
		programs map[string]string
		file     bool // whether Configurer.SystemResolvConf is set
		calls    string
		later    string // calls at the end
		says     string
	}{
		{"nobody", ResolverNone, both, true, "", "", ""},
		{"auto: resolved", ResolverAuto, both, true, ctl, "", "set in systemd-resolved for ppp9 (resolvectl)"},
		{"auto: resolved is not running", ResolverAuto, map[string]string{"resolvectl": noService, "resolvconf": works}, true,
			ctl + conf, "resolvconf -d ppp9.ppp\n", "set in resolvconf as ppp9.ppp"},
		{"auto: file", ResolverAuto, none, true, "", "", "written to "},
		{"auto: nothing", ResolverAuto, none, false, "", "", "are not installed: resolved: program not found: resolvectl; " +
			"resolvconf: program not found: resolvconf; file: no file is configured"},
		{"resolvconf", ResolverResolvconf, both, true, conf, "resolvconf -d ppp9.ppp\n", "set in resolvconf as ppp9.ppp"},
		{"resolved", ResolverResolved, map[string]string{"resolvectl": noService, "resolvconf": works}, true, ctl, "",
			"exit status 1: Failed to set DNS configuration: Unit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls := fakePrograms(t, c.programs)
			h, output := toFile(t, formerText)
			h.Resolver = c.resolver
			if !c.file {
				h.SystemResolvConf = ""
			}
			back := installServers(t, h, agreementWithDNS(server1, server2))
			wantFile(t, calls, c.calls)
			back()
			wantFile(t, calls, c.calls+c.later)
			if !strings.Contains(output.String(), c.says) || c.says == "" && output.String() != "" {
				t.Errorf("the log says %s, want %q", output, c.says)
			}
			if c.file {
				wantFile(t, h.SystemResolvConf, formerText)
			}
		})
	}
}

// TestResolvectlRevert: while the device exists, undoing reverts its name servers in
// systemd-resolved.
func TestResolvectlRevert(t *testing.T) {
	roottest.Need(t)
	calls := fakePrograms(t, map[string]string{"resolvectl": works})
	inNamespace(t, func(t *testing.T) {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			t.Fatal(err)
		}
		h := &Configurer{Resolver: ResolverResolved, Log: discard()}
		made, err := h.apply(h.nameServerSteps(lo, h.usableNameServers(agreementWithDNS(server1))))
		if err != nil {
			t.Fatal(err)
		}
		made.undo(h.Log)
		wantFile(t, calls, "resolvectl dns lo 192.0.2.53\nresolvectl revert lo\n")
	})
}

// TestResolverOtherNamespace: programs that do not see the device are not run.
func TestResolverOtherNamespace(t *testing.T) {
	calls := fakePrograms(t, map[string]string{"resolvectl": works, "resolvconf": works})
	h, output := toFile(t, formerText)
	h.Resolver, h.Namespace = ResolverAuto, "blue"
	installServers(t, h, agreementWithDNS(server1, server2))
	wantFile(t, calls, "")
	wantFile(t, h.SystemResolvConf, lentText)
	if !strings.Contains(output.String(), "written to") {
		t.Errorf("the log says %s", output)
	}
}

// TestNameServersOfBothFamilies: IPv6's name servers come after IPCP's, at any time, and go with
// the session.
func TestNameServersOfBothFamilies(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "resolv.conf")
		log, output := newLog()
		h := &Configurer{Log: log, ResolvConf: path}
		info := pppoe.SessionInfo{}
		dev, err := h.Open(info)
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		info.Device = dev.Name()
		has := func(want string) {
			t.Helper()
			if text, _ := os.ReadFile(path); string(text) != want {
				t.Errorf("the file says %q, want %q", text, want)
			}
		}
		six := netip.MustParseAddr("2001:db8::53")
		h.SetNameServers6("ppp9", []netip.Addr{six}) // a nonexistent device
		has("")
		if err := h.Configure(info, pppoe.Addressing{}, agreed); err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(path)
		four := string(text)
		h.SetNameServers6(info.Device, []netip.Addr{six, six, netip.IPv6Unspecified(), netip.MustParseAddr("ff02::1")})
		has(four + "nameserver 2001:db8::53\n")
		h.SetNameServers6(info.Device, nil)
		has(four)
		h.SetNameServers6(info.Device, []netip.Addr{six})
		dev.Close()
		h.SetNameServers6(info.Device, nil) // as package ipv6 does when the device has gone
		if output.Len() > 0 {
			t.Errorf("the log says %s", output)
		}
		h.Close(info, agreed)
		has("")
	})
}
