package scripts

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/internal/roottest"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// testDir is a directory of scripts and their output.
type testDir struct {
	dir string
	log bytes.Buffer // to be read after Close
}

func newTestDir(t *testing.T) *testDir {
	t.Helper()
	roottest.NeedPrograms(t, "sh", "tr")
	return &testDir{dir: t.TempDir()}
}

// add writes a script of shell lines, in which %[1]s is the directory.
func (p *testDir) add(t *testing.T, name, lines string) {
	t.Helper()
	text := "#!/bin/sh\n" + strings.ReplaceAll(lines, "%[1]s", p.dir) + "\n"
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// addLogging adds scripts that record that they run, and their fourth argument.
func (p *testDir) addLogging(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		p.add(t, name, `echo "`+name+` $4" >>%[1]s/said`)
	}
}

// addRecording adds scripts that record their arguments and environment.
func (p *testDir) addRecording(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		p.add(t, name, `tr '\0' '\n' </proc/$$/environ >%[1]s/`+name+`.env
printf '<%s>' "$@" >%[1]s/`+name+`.args
{ readlink /proc/$$/fd/0; readlink /proc/$$/cwd; } >%[1]s/`+name+`.where`)
	}
}

func (p *testDir) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (p *testDir) env(t *testing.T, script string) []string {
	t.Helper()
	env := strings.Split(strings.TrimSpace(p.read(t, script+".env")), "\n")
	slices.Sort(env)
	return env
}

// scripts returns a Runner of the directory's scripts, which waits until they end.
func (p *testDir) scripts(change func(*Config)) *Runner {
	param := "param"
	cfg := Config{
		Dir: p.dir, IPParam: &param, Unit: -1, Device: "eth0", User: "alice",
		Log: slog.New(slog.NewTextHandler(&p.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&cfg)
	}
	return New(cfg)
}

// said returns what ran, in order.
func (p *testDir) said(t *testing.T) string {
	t.Helper()
	return strings.ReplaceAll(strings.TrimSpace(p.read(t, "said")), "\n", ", ")
}

// settle waits until no script runs.
func (s *Runner) settle() {
	for _, p := range []*upDown{s.ip, s.ipv6, s.auth, s.dhcp6} {
		<-p.settled()
	}
}

var (
	info       = pppoe.SessionInfo{Interface: "eth0", Device: "ppp0", SessionID: 7, ACName: "ac", Peer: wire.Addr{2, 0, 0x5e, 0, 0x53, 1}}
	addressing = pppoe.Addressing{
		MTU: 1492,
		IPv4: ipcp.Agreement{
			Local: netip.MustParseAddr("192.0.2.10"), Remote: netip.MustParseAddr("192.0.2.1"),
			DNS:  [2]netip.Addr{netip.MustParseAddr("192.0.2.53")},
			NBNS: [2]netip.Addr{1: netip.MustParseAddr("192.0.2.54")},
		},
		IPv6: ipv6cp.Agreement{Local: ipv6cp.ID{7: 1}, Remote: ipv6cp.ID{7: 2}},
	}
	lost4 = pppoe.NetworkLost{
		Protocol: ppp.IPCP, Previous: addressing, Uptime: 61500 * time.Millisecond,
		Counters: datapath.Counters{SentBytes: 1000, ReceivedBytes: 2000},
	}
)

// common returns the variables of every script.
func common() []string {
	return []string{
		"ACNAME=ac", "DEVICE=eth0", "IFNAME=ppp0", "MACREMOTE=02:00:5E:00:53:01", fmt.Sprintf("ORIG_UID=%d", os.Getuid()),
		fmt.Sprintf("PPPD_PID=%d", os.Getpid()), "REMOTENUMBER=02:00:5E:00:53:01", "SPEED=0", "UNIT=0",
	}
}

func withIPv4(local string) pppoe.Configured {
	a := pppoe.Addressing{MTU: 1492, IPv4: ipcp.Agreement{Local: netip.MustParseAddr(local), Remote: addressing.IPv4.Remote}}
	return pppoe.Configured{Addressing: a}
}
