package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/internal/log/pppdlog"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// parse reads a command line without the files of this machine.
func parse(t *testing.T, words ...string) *pppd.Settings {
	t.Helper()
	s := pppd.New()
	r := pppd.Reader{Role: pppd.Client, Settings: s, Dir: t.TempDir(), IsInterface: func(name string) bool { return name == "eth0" }}
	if err := r.CommandLine(words); err != nil {
		t.Fatal(err)
	}
	return s
}

// write writes a file that only its owner can read.
func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// secretsIn sets etc to a directory of the test with some secrets files.
func secretsIn(t *testing.T, files map[string]string) {
	t.Helper()
	before := etc
	etc = t.TempDir()
	t.Cleanup(func() { etc = before })
	for name, text := range files {
		write(t, filepath.Join(etc, name), text)
	}
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// TestRedial: 0 is a value for pppd, and the default in pppoe.Redial.
func TestRedial(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  pppoe.Redial
	}{
		{nil, pppoe.Redial{Holdoff: 30 * time.Second, MaxFail: 10}},
		{[]string{"persist"}, pppoe.Redial{Persist: true, Holdoff: 30 * time.Second, MaxFail: 10}},
		{[]string{"persist", "nopersist"}, pppoe.Redial{Holdoff: 30 * time.Second, MaxFail: 10}},
		{[]string{"persist", "holdoff", "5", "maxfail", "3"}, pppoe.Redial{Persist: true, Holdoff: 5 * time.Second, MaxFail: 3}},
		{[]string{"persist", "maxfail", "0"}, pppoe.Redial{Persist: true, Holdoff: 30 * time.Second, MaxFail: -1}},
		{[]string{"persist", "holdoff", "0"}, pppoe.Redial{Persist: true, Holdoff: -1, MaxFail: 10}},
	} {
		got := redial(parse(t, c.words...))
		if c.want.Holdoff < 0 && got.Holdoff < 0 {
			got.Holdoff = c.want.Holdoff // any negative value is the same
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v, want %+v", c.words, got, c.want)
		}
	}
}

func TestDiscovery(t *testing.T) {
	c, err := discoveryConfig(parse(t))
	if err != nil || c.Service != "" || c.OmitService || c.ACNames != nil || c.AC != (wire.Addr{}) || c.HostUniq != nil ||
		c.MaxPayload != 0 || c.Timeout != 0 || c.Attempts != 0 || c.Probe || c.Rand != nil {
		t.Errorf("without options: %+v, %v; want defaults", c, err)
	}
	c, err = discoveryConfig(parse(t, "pppoe-service", "internet", "pppoe-ac", "ac1", "pppoe-mac", "02:00:5e:00:53:01",
		"host-uniq", "0a1b", "pppoe-padi-timeout", "2", "pppoe-padi-attempts", "7"))
	if err != nil || c.Service != "internet" || !slices.Equal(c.ACNames, []string{"ac1"}) || c.AC != (wire.Addr{2, 0, 0x5e, 0, 0x53, 1}) ||
		!bytes.Equal(c.HostUniq, []byte{0x0a, 0x1b}) || c.Timeout != 2*time.Second || c.Attempts != 7 {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = discoveryConfig(parse(t, "pppoe-service", "NO-SERVICE-NAME-NON-RFC-COMPLIANT"))
	if err != nil || c.Service != "" || !c.OmitService {
		t.Errorf("no Service-Name tag: %+v, %v", c, err)
	}
	s := parse(t)
	s.ACAddr = "nonsense"
	if _, err := discoveryConfig(s); exitCode(err) != exitOptions || !strings.Contains(err.Error(), `"pppoe-mac"`) {
		t.Errorf("an invalid address: %v", err)
	}
}

// TestKernelNetns: the kernel data path cannot be combined with another network namespace.
func TestKernelNetns(t *testing.T) {
	secretsIn(t, nil)
	for _, c := range []struct {
		words []string
		want  int
	}{
		{[]string{"datapath", "kernel", "netns", "blue"}, exitOptions},
		{[]string{"datapath", "kernel"}, 0},
		{[]string{"netns", "blue"}, 0},
		{[]string{"datapath", "kernel", "netns", "blue", "demand"}, 0}, // demand uses plain
	} {
		if _, err := config(parse(t, append(c.words, "user", "u", "password", "p")...), silent()); err == nil != (c.want == 0) || err != nil && exitCode(err) != c.want {
			t.Errorf("%q: %v", c.words, err)
		}
	}
}

// TestPathCheck: it is enabled by default; the last option wins.
func TestPathCheck(t *testing.T) {
	for words, want := range map[string]bool{"": true, "nopath-check": false, "nopath-check path-check": true, "path-check nopath-check": false} {
		c, err := config(parse(t, append([]string{"eth0"}, strings.Fields(words)...)...), silent())
		if err != nil || c.Session.LCP.CheckPath != want {
			t.Errorf("%q: the path is checked: %v, %v; want %v", words, c.Session.LCP.CheckPath, err, want)
		}
	}
}

// TestMaxPayload: RFC 4638 is requested if either direction is to carry more than 1492 octets.
func TestMaxPayload(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  int
	}{
		{[]string{"mtu", "1500"}, 1500}, {[]string{"mru", "1500"}, 1500},
		{[]string{"mtu", "1400", "mru", "1508"}, 1508}, {[]string{"mru", "1500", "default-mru"}, 0},
	} {
		if got, err := discoveryConfig(parse(t, c.words...)); err != nil || got.MaxPayload != c.want {
			t.Errorf("%q: %d, %v; want %d", c.words, got.MaxPayload, err, c.want)
		}
	}
}

// TestHostResolver: name servers are written only with usepeerdns and without noresolvconf.
func TestHostResolver(t *testing.T) {
	for words, want := range map[string]bool{
		"": false, "usepeerdns": true, "noresolvconf": false, "usepeerdns noresolvconf": false, "noresolvconf usepeerdns": false,
	} {
		h := host(parse(t, append([]string{"eth0"}, strings.Fields(words)...)...), silent())
		if (h.ResolvConf != "") != want || (h.SystemResolvConf != "") != want {
			t.Errorf("%q: written to %q, want any %v", words, h.ResolvConf, want)
		}
	}
}

func TestDeviceName(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  string
	}{
		{nil, ""}, {[]string{"unit", "0"}, "ppp0"}, {[]string{"unit", "7"}, "ppp7"}, {[]string{"unit", "7", "ifname", "wan"}, "wan"},
	} {
		if got := deviceName(parse(t, c.words...)); got != c.want {
			t.Errorf("%q: %q, want %q", c.words, got, c.want)
		}
	}
}

// memoryLog returns a log that writes each line at once.
func memoryLog(w io.Writer) *pppdlog.Handler {
	lines := pppdlog.NewHandler(false)
	lines.AddUnqueued(w)
	return lines
}

// TestNoRemoteIP: the link also comes up if the peer sends no address; with noremoteip none is made up.
func TestNoRemoteIP(t *testing.T) {
	for _, c := range []struct {
		word string
		bare bool
	}{{"noipdefault", false}, {"noremoteip", true}} {
		cfg, err := config(parse(t, "eth0", "user", "alice", c.word), silent())
		if err != nil || !cfg.Session.IPv4.Unnumbered || cfg.NoRemoteAddress != c.bare {
			t.Errorf("%s: %v; unnumbered %v, no remote address %v", c.word, err, cfg.Session.IPv4.Unnumbered, cfg.NoRemoteAddress)
		}
	}
	if _, err := config(parse(t, "eth0", "user", "alice", "noip"), silent()); err != nil {
		t.Error(err)
	}
}

// TestShowOptions: show-options needs no other option.
func TestShowOptions(t *testing.T) {
	if s, err := settings([]string{"show-options"}); err != nil || !s.ShowOptions {
		t.Errorf("show-options alone: %v", err)
	}
}
