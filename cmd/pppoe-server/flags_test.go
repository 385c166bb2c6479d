package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"upppoe/internal/config/manpage/manpagetest"
	"upppoe/internal/config/pppd"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/version"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/limit"
	"upppoe/tun"
)

func TestDefaults(t *testing.T) {
	f, err := parseFlags(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.interfaces, []string{"eth0"}) || f.local != "10.0.0.1" || f.remote != "10.67.15.1" || f.acName != "" || f.services != nil || f.max != pppoe.DefaultSessions || f.options != "/etc/ppp/pppoe-server-options" ||
		f.etc != "/etc/ppp" || f.foreground || f.debug {
		t.Errorf("without flags: %+v", f)
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{
		strings.Fields("-I eth1 -I eth2 -L 192.0.2.1 -R 192.0.2.10 -C ac -S a -S b -N 5 -O /o --etc /e -F -d"),
		strings.Fields("--interface eth1 --interface=eth2 --local 192.0.2.1 --remote=192.0.2.10 --ac-name ac --service a --service b --max-sessions 5 --options /o --etc=/e --foreground --debug"),
	} {
		f, err := parseFlags(args)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(f.interfaces, []string{"eth1", "eth2"}) || f.local != "192.0.2.1" || f.remote != "192.0.2.10" ||
			f.acName != "ac" || !slices.Equal(f.services, []string{"a", "b"}) || f.max != 5 || f.options != "/o" || f.etc != "/e" || !f.foreground || !f.debug {
			t.Errorf("%q: %+v", args, f)
		}
	}
	if f, err := parseFlags([]string{"--etc", "/e"}); err != nil || f.options != "/e/pppoe-server-options" {
		t.Errorf("the options file is not in --etc: %+v, %v", f, err)
	}
	if f, err := parseFlags([]string{"-L", "192.0.2.10", "-R", "192.0.2.1", "-N", "9"}); err != nil {
		t.Errorf("a pool that ends before our own address: %+v, %v", f, err)
	}
	if c := translated(t, "-R", "0.0.0.0"); c.IPv4.First.IsValid() {
		t.Errorf("no pool: %+v", c.IPv4)
	}
	if f, err := parseFlags([]string{"-S", "café 1,2"}); err != nil || !slices.Equal(f.services, []string{"café 1,2"}) {
		t.Errorf("a service of several words: %+v, %v", f, err)
	}
}

// TestInfo: help and version are printed to standard output, with exit code 0.
func TestInfo(t *testing.T) {
	for arg, want := range map[string]string{
		"-h": "pppoe-server is a PPPoE", "--help": "pppoe-server is a PPPoE",
		"-v": version.Line("pppoe-server") + "\n", "--version": version.Line("pppoe-server") + "\n",
	} {
		var out strings.Builder
		if err := manpagetest.CaptureStdout(func() int { return run([]string{arg}) })(&out); err != nil || !strings.HasPrefix(out.String(), want) {
			t.Errorf("%s: %v, %q, want %q", arg, err, out.String(), want)
		}
	}
}

// TestIgnoredFlags: flags of rp-pppoe that are not needed are accepted, with a warning.
func TestIgnoredFlags(t *testing.T) {
	f, err := parseFlags(strings.Fields("-I eth1 -k -s -q /usr/sbin/pppd -Q /usr/sbin/pppoe -g rp-pppoe.so -u -T 60 -X /run/pppoe-server.pid"))
	if err != nil || f.pidFile != "/run/pppoe-server.pid" || len(f.warnings) != len(ignoredFlags) {
		t.Fatalf("%+v, %v", f, err)
	}
	if !slices.Contains(f.warnings, "flag -k is ignored: no PPP in the kernel is used") {
		t.Errorf("warnings: %q", f.warnings)
	}
}

// TestBadFlags: the error for an invalid value has the flag and what is valid.
func TestBadFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-L", "nonsense"}, `-L: "nonsense" is not valid: give an IPv4 address like "192.0.2.1"`},
		{[]string{"-L", "2001:db8::1"}, `-L: "2001:db8::1" is not valid: give an IPv4 address`},
		{[]string{"-R", "192.0.2.256"}, `-R: "192.0.2.256" is not valid: give an IPv4 address`},
		{[]string{"-L", "0.0.0.0"}, "-L: 0.0.0.0 is not a host address"},
		{[]string{"-L", "224.0.0.1"}, "-L: 224.0.0.1 is a multicast address"},
		{[]string{"-R", "127.0.0.1"}, "-R: 127.0.0.1 is in the pool of 64 addresses from 127.0.0.1, and is a loopback address"},
		{[]string{"-R", "223.255.255.250"}, "-R: 224.0.0.0 is in the pool of 64 addresses from 223.255.255.250, and is a multicast address"},
		{[]string{"-L", "192.0.2.10", "-R", "192.0.2.1", "-N", "10"}, "-R: the pool of 10 addresses from 192.0.2.1 has our own address 192.0.2.10"},
		{[]string{"--ipv6-networks", "fe80::/48"}, `--ipv6-networks: "fe80::/48": these are not addresses of hosts`},
		{[]string{"--ipv6-addresses", "ff00::/64"}, `--ipv6-addresses: "ff00::/64": these are not addresses`},
		{[]string{"--ipv6-prefixes", "::/40,56"}, `--ipv6-prefixes: "::/40": these are not addresses`},
		{[]string{"--ipv6-networks", "192.0.2.0/24"}, `--ipv6-networks: "192.0.2.0/24" is not valid: give an IPv6 prefix`},
		{[]string{"--ipv6-dns", "::1"}, `--ipv6-dns: "::1" is not valid: give an IPv6 address like "2001:db8::53"`},
		{[]string{"-o", "65534"}, "-o: 65534 is not valid: give a whole number from 0 to 65533"},
		{[]string{"-o", "65500", "-N", "64"}, "-o: with 64 sessions the last session ID is 65564, beyond 65534: give a number up to 65470"},
		{[]string{"-l", "--device", "shared"}, "-l: a shared device has one address"},
		{[]string{"--duplicate-session", "both"}, `--duplicate-session: "both" is not valid: give "allow", "replace" or "refuse"`},
		{[]string{"-x", "-1"}, "-x: -1 is not valid: give a whole number from 0"},
		{[]string{"-N", "0"}, "-N: 0 is not valid: give a whole number from 1 to 4194304"},
		{[]string{"-N", "4194305"}, "-N: 4194305 is not valid: give a whole number from 1 to 4194304"},
		{[]string{"-N", "many"}, `-N (--max-sessions) "many": give a whole number`},
		{[]string{"-x", "x"}, `-x (--max-per-client) "x": give a whole number`},
		{[]string{"-m", "1.5"}, `-m (--mss) "1.5": give a whole number`},
		{[]string{"--mss", "-2"}, "-m: -2 is not valid: give a whole number of octets"},
		{[]string{"-m", "65536"}, "-m: 65536 is not valid: give a whole number of octets"},
		{[]string{"-N", "99999999999999999999"}, `-N (--max-sessions) "99999999999999999999": the number is too large`},
		{[]string{"-S", "it's"}, `-S "it's": use only printable characters other than '`},
		{[]string{"-S", "a\nb"}, `-S "a\nb": use only printable characters other than '`},
		{[]string{"-S", "gold -- mtu 1400"}, `-S "gold -- mtu 1400": give a Service-Name`},
		{[]string{"--padi-limit", "5"}, `option "padi-limit": "5" is not valid: "5": give limits like vlan=100,client=4`},
		{[]string{"--session-limit=client=5"}, `option "session-limit": "client=5" is not valid: the maximum number of sessions of one client is -x`},
		{[]string{"--mac-deny", "lan"}, `option "mac-deny": "lan" is not valid: "lan": give an Ethernet address`},
		{[]string{"--pado-delay", "100,200"}, `option "pado-delay": "100,200" is not valid: "200": give delays like 0,100:100`},
		{[]string{"--vlan", ""}, "--vlan: "},
		{[]string{"--vlan", "4095"}, `--vlan: VLAN "4095"`},
		{[]string{"--vlan", "untagged,1-4095"}, `--vlan: VLAN "1-4095": a VLAN identifier is a number from 0 to 4094`},
		{[]string{"--vlan", "1.2.3"}, `--vlan: VLAN "1.2.3": a frame has two VLAN tags at most`},
		{[]string{"--vlan", "any.7"}, `--vlan: VLAN "any"`},
		{[]string{"--device", "both"}, `--device "both": give per-session, shared, or shared:NAME`},
		{[]string{"--device", ""}, `--device "": give per-session`},
		{[]string{"--device", "shared:"}, `--device "shared:": give per-session`},
		{[]string{"--device", "per-session:ppp"}, `--device "per-session:ppp": give per-session`},
		{[]string{"--device", "shared:a name"}, `--device: "a name" is not valid: give a name that an interface can have`},
		{[]string{"--device", "shared:sixteen-letters1"}, `--device: "sixteen-letters1" is not valid: give a name`},
		{[]string{"--isolate"}, "--isolate: it needs a shared device"},
		{[]string{"--ipv6-local", "2001:db8::1"}, "--ipv6-local: it needs a shared device"},
		{[]string{"--device", "shared", "--ipv6-local", "192.0.2.1"}, `--ipv6-local: "192.0.2.1" is not valid: give an IPv6 address like "2001:db8::1"`},
		{[]string{"--device", "shared", "--ipv6-local", "fe80::1"}, `--ipv6-local: "fe80::1" is not valid: give an IPv6 address`},
		{[]string{"--device", "shared", "--ipv6-local", "2001:db8:1::1", "--ipv6-networks", "2001:db8:1::/48"}, "--ipv6-local: 2001:db8:1::1 is in 2001:db8:1::/48 of ipv6.networks, whose addresses clients get"},
		{[]string{"-I"}, "-I"},
		{[]string{"--no-such"}, "--no-such"},
		{[]string{"eth1"}, `unexpected argument "eth1"`},
	} {
		_, err := parseFlags(c.args)
		if err == nil || !strings.Contains(err.Error(), c.want) || exitCode(err) != 2 {
			t.Errorf("%q: %v, exit code %d; want %s, and 2", c.args, err, exitCode(err), c.want)
		}
	}
}

// set returns flags with a directory that has an options file.
func set(t *testing.T, text string) *flags {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pppoe-server-options"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := parseFlags([]string{"--etc", dir, "-C", "ac", "-L", "192.0.2.1", "-R", "192.0.2.10", "-N", "5", "-x", "2"})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// translated returns the configuration of flags, without an options file.
func translated(t *testing.T, args ...string) *serverconfig.Config {
	t.Helper()
	f, err := parseFlags(args)
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.translate(serverconfig.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// configured returns the server's configuration by flags and their options file.
func configured(t *testing.T, f *flags) pppoe.ServerConfig {
	t.Helper()
	c, _, err := f.load()
	if err != nil {
		t.Fatal(err)
	}
	return serverConfig(c, nil, slog.New(slog.DiscardHandler))
}

// TestOptions: by default, clients must authenticate themselves, and the server's name is the AC-Name.
func TestOptions(t *testing.T) {
	for _, c := range []struct {
		text    string
		name    string
		methods int
	}{
		{"", "ac", 4}, {"require-chap\nname isp", "isp", 1}, {"require-pap require-chap", "ac", 2}, {"noauth", "ac", 0}, {"require-pap\nnoauth", "ac", 0},
	} {
		loaded, _, err := set(t, c.text).load()
		if err != nil {
			t.Fatal(err)
		}
		if got := len(loaded.Options.RequireAuth()); loaded.Name() != c.name || got != c.methods {
			t.Errorf("%q: %s requires %d methods, want %s, %d", c.text, loaded.Name(), got, c.name, c.methods)
		}
	}
}

func TestBadOptions(t *testing.T) {
	for text, want := range map[string]string{
		"mtu":            "pppoe-server-options:1: ",
		"\nlogin":        "pppoe-server-options:2: ",
		"call provider":  "peers/provider",
		"nosuchoption":   `"nosuchoption"`,
		"ms-dns example": "ms-dns",
	} {
		if _, err := options(set(t, text)); exitCode(err) != 2 || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, exit code %d; want %s, and 2", text, err, exitCode(err), want)
		}
	}
	f := set(t, "")
	f.options = filepath.Join(t.TempDir(), "none")
	if _, err := options(f); exitCode(err) != 2 || !strings.Contains(err.Error(), f.options) || !strings.Contains(err.Error(), "require-chap") {
		t.Errorf("no options file: %v; want its path, and what to do", err)
	}
}

// TestConfig: flags and options in the server's configuration.
func TestConfig(t *testing.T) {
	f := set(t, "require-chap\nms-dns 192.0.2.53\nlcp-echo-interval 20\nmtu 1400\ndebug")
	f.services = []string{"internet"}
	c := configured(t, f)
	v4 := c.Session.IPv4
	switch {
	case v4 == nil || v4.Local.String() != f.local || v4.DNS[0] != netip.MustParseAddr("192.0.2.53"):
		t.Errorf("IPv4 is %+v", v4)
	case c.Session.IPv6 == nil:
		t.Error("there is no IPv6")
	case c.Pool.First.String() != f.remote || c.Pool.Max != 5 || c.Pool.MaxPerClient != 2:
		t.Errorf("the pool is %+v", c.Pool)
	case c.Concentrator.ACName != "ac" || !slices.Equal(c.Concentrator.Services, f.services) || c.Concentrator.Rand != nil:
		t.Errorf("the concentrator is %+v", c.Concentrator)
	case len(c.Session.LCP.RequireAuth) != 1 || c.Session.LCP.Echo.Interval.Seconds() != 20 || c.Authenticator == nil:
		t.Errorf("LCP is %+v, the authenticator %v", c.Session.LCP, c.Authenticator)
	case !c.Trace:
		t.Error("debug of the options file has no effect")
	}
	if terms := c.Policy(pppoe.SessionInfo{SessionID: 1}); terms.CheckSource || terms.Up.Bits != 0 {
		t.Errorf("without options, the policy is %+v", terms)
	}
	f = set(t, "source-check\nrate-up 1000")
	if terms := configured(t, f).Policy(pppoe.SessionInfo{SessionID: 1}); !terms.CheckSource || terms.Up.Bits != 1e6 {
		t.Errorf("the policy is %+v", terms)
	}
	f = set(t, "noip")
	if c = configured(t, f); c.Session.IPv4 != nil || c.Trace {
		t.Errorf("noip: IPv4 is %+v, trace %v", c.Session.IPv4, c.Trace)
	}
	f.debug = true
	if !configured(t, f).Trace {
		t.Error("-d has no effect")
	}
}

// TestOptionFlags: each flag is an option of the options file, whose value it overrides; lists and
// services are added to those of the file.
func TestOptionFlags(t *testing.T) {
	for _, name := range optionFlags {
		all := pflag.NewFlagSet("", pflag.ContinueOnError)
		addOptionFlags(all, new([]string))
		if f := all.Lookup(name); f == nil || f.Usage == "" || f.Value.Type() == "" {
			t.Errorf("--%s: %+v", name, f)
		}
	}
	f := set(t, "padi-limit vlan=5\npadr-limit vlan=6\nmac-deny 02:00:5e\nservice tin\nservice 'gold -- rate-up 5'")
	g, err := parseFlags([]string{"--etc", f.etc, "-C", "ac", "--padi-limit", "client=7", "--mac-deny=02:00:5f", "--pado-delay", "50", "-S", "gold -- rate-up 6", "-S", "new"})
	if err != nil {
		t.Fatal(err)
	}
	c := configured(t, g)
	if a := c.Access; a.PADIs != (limit.Limits{Client: 7}) || a.PADRs != (limit.Limits{VLAN: 6}) || a.Clients.Deny.Len() != 2 || a.PADODelay.String() != "50" {
		t.Errorf("%+v", a)
	}
	if names := c.Concentrator.Services; !slices.Equal(names, []string{"tin", "gold", "new"}) {
		t.Errorf("services %q", names)
	}
	if p := c.Policy(pppoe.SessionInfo{Service: "gold"}); p.Up.Bits != 6000 {
		t.Errorf("gold's policy is %+v", p)
	}
}

// TestDuplicateSession: by default a user may have several sessions, and the newer session replaces an older
// one with its address.
func TestDuplicateSession(t *testing.T) {
	for flag, want := range map[string]pppoe.Duplicates{"": pppoe.AllowDuplicates, "allow": pppoe.AllowDuplicates, "replace": pppoe.ReplaceDuplicate, "refuse": pppoe.RefuseDuplicate} {
		args := []string{"--duplicate-session", flag}
		if flag == "" {
			args = nil
		}
		if cfg := configured(t, set2(t, "require-chap", args...)); cfg.Duplicates != want || cfg.KeepOlder != (flag == "refuse") {
			t.Errorf("%q: %v, the older is kept: %v", flag, cfg.Duplicates, cfg.KeepOlder)
		}
	}
}

// TestPoolFile: -p has the addresses instead of -R, and sets the number of sessions, as in rp-pppoe.
func TestPoolFile(t *testing.T) {
	c := translated(t, "-p", "testdata/pool", "-N", "7", "-o", "100", "-r", "-l")
	if len(c.Pools) != 1 || c.Pools[0].Name != pppoe.FirstPool || fmt.Sprint(c.Pools[0].Ranges) != "[192.0.2.40 192.0.2.10-192.0.2.19 198.51.100.1-198.51.100.200]" || c.Sessions.Max != 211 || c.IPv4.First.IsValid() {
		t.Errorf("%+v, %+v, %d sessions", c.Pools, c.IPv4, c.Sessions.Max)
	}
	if c.Sessions.IDs != (pppoe.SessionIDs{Offset: 100, Random: true}) || !c.IPv4.LocalPerSession {
		t.Errorf("%+v, %+v", c.Sessions, c.IPv4)
	}
	for text, want := range map[string]string{
		"192.0.2.1\n192.0.2.9-2\n":        ":2: no range of IPv4 addresses: 192.0.2.9-2: its end is before its beginning",
		"192.0.2.256":                     `:1: no range of IPv4 addresses: "192.0.2.256": give an address, or a range like 192.0.2.10-99`,
		"# none\n":                        ` has no address`,
		"192.0.2.1\n192.0.2.0-2\n":        "192.0.2.1 overlaps 192.0.2.0-192.0.2.2",
		"10.0.0.1":                        "our own address 10.0.0.1",
		"192.0.2.1\n224.0.0.0-1":          "224.0.0.0 is in the pool, and is a multicast address",
		"10.1.0.0-10.1.255.255 -o 65000 ": "no range",
	} {
		path := filepath.Join(t.TempDir(), "pool")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := parseFlags([]string{"-p", path}); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "-p: ") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, err := parseFlags([]string{"-p", "/nowhere/pool"}); err == nil || !strings.HasPrefix(err.Error(), "-p: open /nowhere/pool") {
		t.Error(err)
	}
}

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{errors.New("something"), 1}, {&pppd.Error{}, 2},
		{tun.ErrPermission, 3}, {afpacket.ErrPermission, 3}, {tun.ErrNoDevice, 4},
		{afpacket.ErrNoInterface, 7}, {afpacket.ErrNotEthernet, 7}, {afpacket.ErrDown, 7},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
	}
}

// TestEcho: Echo-Requests are sent unless the options disable them.
func TestEcho(t *testing.T) {
	for _, c := range []struct {
		text     string
		interval time.Duration
		failures int
	}{
		{"", 20 * time.Second, 3},
		{"lcp-echo-interval 0", 0, 3},
		{"lcp-echo-interval 5", 5 * time.Second, 3},
		{"lcp-echo-failure 0", 20 * time.Second, 0},
		{"lcp-echo-interval 7 lcp-echo-failure 9", 7 * time.Second, 9},
	} {
		if e := configured(t, set(t, c.text)).Session.LCP.Echo; e.Interval != c.interval || e.Failures != c.failures {
			t.Errorf("%q: every %v, %d unanswered; want %v, %d", c.text, e.Interval, e.Failures, c.interval, c.failures)
		}
	}
}

// TestSystemOptions: /etc/ppp/options is read first, and there is a warning if it disables
// authentication.
func TestSystemOptions(t *testing.T) {
	for _, c := range []struct {
		all, own string
		mtu      int
		methods  int
		warned   bool
	}{
		{"mtu 1400", "", 1400, 4, false},
		{"mtu 1400", "mtu 1300", 1300, 4, false},
		{"require-pap", "require-chap", 0, 2, false},
		{"noauth", "", 0, 0, true},
		{"noauth", "noauth", 0, 0, true},
		{"noauth", "auth", 0, 4, false},
		{"noauth", "require-chap", 0, 1, false},
		{"", "noauth", 0, 0, false},
	} {
		f := set(t, c.own)
		if err := os.WriteFile(filepath.Join(f.etc, "options"), []byte(c.all), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := options(f)
		if err != nil {
			t.Fatal(err)
		}
		warned := slices.ContainsFunc(s.Warnings, func(n string) bool { return strings.Contains(n, "clients need not authenticate themselves") })
		if s.MTU != c.mtu || len(s.RequireAuth()) != c.methods || warned != c.warned {
			t.Errorf("%q, then %q: mtu %d, %d methods, warned %v; want %d, %d, %v", c.all, c.own, s.MTU, len(s.RequireAuth()), warned, c.mtu, c.methods, c.warned)
		}
	}
	for own, warned := range map[string]bool{"": true, "mtu 1400": true, "lcp-echo-interval 5": true, "noauth": false, "auth": false, "require-chap": false} {
		s, err := options(set(t, own))
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.ContainsFunc(s.Warnings, func(n string) bool { return strings.Contains(n, "add noauth to accept any client") }); got != warned {
			t.Errorf("%q: warned that clients must authenticate themselves: %v, want %v", own, got, warned)
		}
	}
	f := set(t, "")
	os.WriteFile(filepath.Join(f.etc, "options"), []byte("mtu x"), 0o600)
	if _, err := options(f); exitCode(err) != 2 || !strings.Contains(err.Error(), filepath.Join(f.etc, "options")+":1: ") {
		t.Errorf("an invalid value: %v", err)
	}
}

// TestAuthenticatesItself: a server with secrets for its own name authenticates itself, after its
// clients.
func TestAuthenticatesItself(t *testing.T) {
	for _, c := range []struct {
		options, secrets string
		methods          int
	}{
		{"require-chap", "alice * pw *\n", 0}, {"require-chap", "alice * pw *\nac alice own *\n", 3},
		{"require-chap\nrefuse-chap", "ac alice own *\n", 2}, {"require-chap\nname other", "ac alice own *\n", 0},
		{"noauth", "ac alice own *\n", 0},
	} {
		f := set(t, c.options)
		f.acName = "ac"
		if err := os.WriteFile(filepath.Join(f.etc, "chap-secrets"), []byte(c.secrets), 0o600); err != nil {
			t.Fatal(err)
		}
		is := configured(t, f).Session
		if len(is.LCP.AllowAuth) != c.methods || len(is.LCP.AllowAuth) > 0 && (!is.PeerAuthFirst || is.Credentials.Name != "ac" || len(is.ChallengeKey) != 32) {
			t.Errorf("%q, %q: %d methods, after the client %v, as %q; want %d", c.options, c.secrets, len(is.LCP.AllowAuth), is.PeerAuthFirst, is.Credentials.Name, c.methods)
		}
	}
}

// TestDeviceFlags: the device of sessions, and the prefixes that are routed to a shared one.
func TestDeviceFlags(t *testing.T) {
	for args, want := range map[string]serverconfig.Device{
		"": {}, "--device per-session": {}, "--device shared": {Shared: true}, "--device=shared:bng0 --isolate": {Shared: true, Name: "bng0", Isolate: true},
	} {
		if c := translated(t, strings.Fields(args)...); c.Device != want {
			t.Errorf("%s: %+v, want %+v", args, c.Device, want)
		}
	}
	if c := translated(t, "--device", "shared", "--ipv6-local", "2001:db8::1"); c.IPv6.Local.String() != "2001:db8::1" {
		t.Errorf("%+v", c.IPv6)
	}
	c := translated(t, strings.Fields("-R 192.0.2.10 -N 6 --ipv6-networks 2001:db8:1::/48 --ipv6-addresses 2001:db8:2::/64 --ipv6-prefixes 2001:db8:100::/40,56")...)
	var got []string
	for _, p := range pools(c) {
		got = append(got, p.String())
	}
	if want := "192.0.2.10/31 192.0.2.12/30 2001:db8:1::/48 2001:db8:2::/64 2001:db8:100::/40"; strings.Join(got, " ") != want {
		t.Errorf("the pools are %s, want %s", got, want)
	}
	if got := pools(translated(t, "-R", "0.0.0.0")); len(got) > 0 {
		t.Errorf("without pools: %v", got)
	}
}
