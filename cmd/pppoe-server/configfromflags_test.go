package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"upppoe/internal/config/manpage/manpagetest"
	"upppoe/internal/config/pppd"
	"upppoe/internal/config/serverconfig"
)

// flagValues are values of all flags that a configuration file has a key for, other than the defaults.
var flagValues = map[string]string{
	"interface": "eth7", "local": "192.0.2.1", "remote": "192.0.2.10", "ac-name": "a \"name\"", "service": "gold -- rate-up 5000 source-allow 198.51.100.0/24",
	"ipv6-networks": "2001:db8:1::/48", "ipv6-addresses": "2001:db8:2::/64", "ipv6-prefixes": "2001:db8:100::/40,60", "ipv6-dns": "2001:db8::53",
	"device": "shared:bng0", "isolate": "true", "ipv6-local": "2001:db8::1", "vlan": "untagged,10-20,30.40-50", "mss": "-1", "max-sessions": "500",
	"max-per-client": "3", "duplicate-session": "refuse", "session-id-offset": "1000", "random-sessions": "true", "increment-local": "true", "pool-file": "testdata/pool", "mac-allow": "02:00:5e,02:00:5f:00:53:00/40", "mac-deny": "02:00:5e:00:53:01", "session-limit": "interface=200,vlan=none",
	"half-open-limit": "total=10,client=4", "padi-limit": "client=none", "padr-limit": "vlan=3", "pado-delay": "0,100:100,-1:1000", "etc": "", "foreground": "true",
	"debug": "true", "pid-file": "/run/x.pid", "state": "/run/x.log", "no-adopt": "true", "control-socket": "/run/x.sock", "control-group": "adm",
	"pcap": "/run/x.pcapng", "pcap-data": "true", "pcap-size": "7", "pcap-files": "9",
	"web": "127.0.0.1:8080", "web-control": "true", "web-token-file": "/etc/upppoe/web-token", "web-cert": "/etc/upppoe/web-cert.pem", "web-key": "/etc/upppoe/web-key.pem",
}

// withoutKey are the flags that no key stands for.
var withoutKey = []string{"config", "check-pool", "options", "man", "version"}

// optionsWithoutKey are options of a server that change nothing in it.
var optionsWithoutKey = map[string]string{
	"plugin": "built in", "noipdefault": "always so", "nodefaultroute": "accepted", "noreplacedefaultroute": "accepted", "nodefaultroute6": "accepted", "nopersist": "accepted",
	"call": "includes a file", "file": "includes a file", "dump": "accepted", "dryrun": "accepted", "logfd": "accepted", "silent": "a server always waits for the client",
}

// unchanged are options whose effect is the default, or that need others for an effect.
var unchanged = []string{"auth", "nosource-check", "+ipv6", "updetach", "nodebug", "nolog", "noproxyarp", "noktune", "hide-password", "remotenumber", "refuse-mschap"}

// optionValues are values of options by the name of their value in the help, or by the option.
var optionValues = map[string]string{
	"": "", "FILE": "/dir/file", "NAME": "abc", "N": "1400", "SECONDS": "17", "ADDRESS": "192.0.2.53", "LIMITS": "vlan=7", "PREFIX": "198.51.100.0/29", "KBIT": "2500", "MS": "250",
	"TEXT": "some text", "DIRECTORY": "/dir", "NAME=VALUE": "A=b c", "LIST": "02:00:5e", "DELAYS": "0,50:10", "SERVICE": "gold -- rate-down 700", "LOCAL,REMOTE": "::1,::2", "KIND": "kernel",
	"mo-direction": "in", "pcap-files": "9", "datapath-queues": "3", "state-dir": "/dir",
}

func (f *flags) written(t *testing.T) (is, again *serverconfig.Config, text string) {
	t.Helper()
	c, warnings, err := f.load()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := writeConfig(&b, c, warnings); err != nil {
		t.Fatal(err)
	}
	again, problems := serverconfig.Parse("f", b.String())
	if err := problems.Err(); err != nil {
		t.Fatalf("%v\n%s", err, &b)
	}
	return c, again, b.String()
}

// TestEveryFlag: each flag, alone and with all others, is the same as the file that is printed for it.
func TestEveryFlag(t *testing.T) {
	set := newFlags(&flags{}, new(string))
	var all []string
	usual, _, _ := set2(t, "require-chap").written(t)
	set.VisitAll(func(f *pflag.Flag) {
		value, ok := flagValues[f.Name]
		ignored := slices.ContainsFunc(ignoredFlags, func(i ignoredFlag) bool { return i.name == f.Name })
		switch known := serverconfig.KeyFor("--"+f.Name) != ""; {
		case ignored || slices.Contains(withoutKey, f.Name):
			return
		case !ok || !known:
			t.Errorf("--%s: no key stands for it, or no value is tested", f.Name)
			return
		case value == "":
			return
		}
		arg := "--" + f.Name + "=" + value
		if f.Name != "increment-local" { // not with a shared device
			all = append(all, arg)
		}
		if f.Name == "isolate" || f.Name == "ipv6-local" {
			return // only with others
		}
		c, again, text := set2(t, "require-chap", arg).written(t)
		if !reflect.DeepEqual(c, again) || reflect.DeepEqual(c, usual) {
			t.Errorf("%s: not the same, or the default:\n%s", arg, text)
		}
	})
	c, again, text := set2(t, "require-chap", all...).written(t)
	if !reflect.DeepEqual(c, again) || c.IPv6.DelegatedLength != 60 || len(c.Options.Services) != 1 {
		t.Errorf("%q:\n%s", all, text)
	}
}

// set2 returns flags with a directory that has an options file.
func set2(t *testing.T, text string, args ...string) *flags {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pppoe-server-options"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := parseFlags(append([]string{"--options", filepath.Join(dir, "pppoe-server-options"), "--etc", "/nowhere"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestEveryOption: each option of the table has a key, and is the same as the file that is printed for it;
// it changes something.
func TestEveryOption(t *testing.T) {
	usual, _, _ := set2(t, "").written(t)
	for _, g := range pppd.Options(pppd.Server) {
		for _, o := range g.Options {
			if o.Status != pppd.Honoured || optionsWithoutKey[o.Name] != "" {
				continue
			}
			if serverconfig.KeyFor(o.Name) == "" {
				t.Errorf("option %s: no key of the configuration file stands for it: add one, or its name to optionsWithoutKey", o.Name)
			}
			value, ok := optionValues[o.Name]
			if !ok {
				value, ok = optionValues[o.Arg]
			}
			if o.Name == "LOCAL:REMOTE" {
				o.Name, value, ok = "192.0.2.1:192.0.2.2", "", true
			}
			if !ok {
				t.Errorf("option %s %s: add a value to optionValues", o.Name, o.Arg)
				continue
			}
			line := o.Name
			if value != "" {
				line += " \"" + value + "\""
			}
			c, again, text := set2(t, line).written(t)
			if !reflect.DeepEqual(c, again) {
				t.Errorf("%s: not the same:\n%s", line, text)
			}
			if reflect.DeepEqual(c, usual) != slices.Contains(unchanged, o.Name) {
				t.Errorf("%s: changed %v:\n%s", line, !reflect.DeepEqual(c, usual), text)
			}
		}
	}
}

// TestConfigFromFlags: what has no counterpart is a comment.
func TestConfigFromFlags(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "pppoe-server-options"), []byte("require-chap\nrate-up 20000\nlcp-rtt-file /x\nms-dns 192.0.2.53\nusehostname\n"), 0o600)
	var out strings.Builder
	err := manpagetest.CaptureStdout(func() int {
		return configFromFlags([]string{"--etc", dir, "-k", "-I", "eth1", "-R", "192.0.2.10", "-L", "192.0.2.1", "-S", "gold -- rate-up 50000"})
	})(&out)
	want := `# flag -k is ignored: no PPP in the kernel is used
# DIR/pppoe-server-options:3: option "lcp-rtt-file" has no effect: round-trip times are not written to a file
# DIR/pppoe-server-options:5: option "usehostname" has no effect: our name is that of option name

[[interface]]
name = "eth1"

[ipv4]
local-address = "192.0.2.1"
first-address = "192.0.2.10"
dns = ["192.0.2.53"]

[ipv6]
duid-file = "DIR/pppoe-server-duid"

[authentication]
methods = ["chap"]
chap-secrets = "DIR/chap-secrets"
pap-secrets = "DIR/pap-secrets"

[policy]
rate-up = "20M"

[[service]]
name = "gold"
rate-up = "50M"

[scripts]
directory = "DIR"

[log]
times = false
`
	if got := strings.ReplaceAll(out.String(), dir, "DIR"); err != nil || got != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}

// TestConfigAlone: a flag beside --config is an error that names the key for it.
func TestConfigAlone(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--config f -I eth1", "-I (--interface) cannot be given with --config: set interface.name in the file"},
		{"-N 5 --config f", "-N (--max-sessions) cannot be given with --config: set sessions.max in the file"},
		{"--config f --isolate", "--isolate cannot be given with --config: set device.isolate in the file"},
		{"--config f -k", "-k (--kernel-mode) cannot be given with --config"},
		{"--config f --etc /x", "--etc cannot be given with --config: set "},
	} {
		if _, err := parseFlags(strings.Fields(c.args)); err == nil || !strings.HasPrefix(err.Error(), c.want) || exitCode(err) != exitOptions {
			t.Errorf("%s: %v, want %s", c.args, err, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "server.toml")
	os.WriteFile(path, []byte("[[interface]]\nname = \"eth1\"\n[authentication]\nmethods = []\n"), 0o600)
	f, err := parseFlags([]string{"--config", path, "-F", "-d", "-X", "/run/x.pid"})
	if err != nil {
		t.Fatal(err)
	}
	c, warnings, err := f.load()
	if err != nil || !c.Server.Foreground || !c.Options.Debug || c.Server.PIDFile != "/run/x.pid" || len(warnings) > 0 {
		t.Errorf("%+v, %q, %v", c, warnings, err)
	}
}
