package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/log/pppdlog"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// reloadable returns the reloader of a server with an options file, and its log.
func reloadable(t *testing.T, text string) (*reloader, *bytes.Buffer) {
	f := set(t, text)
	c, _, err := f.load()
	if err != nil {
		t.Fatal(err)
	}
	out := &bytes.Buffer{}
	lines := pppdlog.NewHandler(false)
	lines.AddUnqueued(out)
	log := slog.New(lines)
	cfg := serverConfig(c, nil, log)
	devices, err := newNetwork(c, &sessionState{}, nil, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	devices.configure(&cfg)
	ports := ethertest.New(ethertest.Config{}).Ports(wire.Addr{2, 0, 0x5e, 0, 0x53, 1})
	t.Cleanup(func() { ports.Close() })
	server, err := pppoe.NewServer(cfg, []pppoe.Listener{{Interface: "eth0", Ports: ports}})
	if err != nil {
		t.Fatal(err)
	}
	return &reloader{flags: f, current: c, accounts: cfg.Authenticator, log: log, lines: lines, network: devices, server: server, overlaps: newFramedOverlaps(c, log)}, out
}

// TestReload: a valid options file applies to new sessions; an invalid one changes nothing, and the log
// has file, line and error.
func TestReload(t *testing.T) {
	for _, c := range []struct {
		what, text, want string
		changed          bool
	}{
		{"other options", "require-pap\nipparam two\nmtu 1400\n", "SIGHUP: options and accounts reloaded", true},
		{"an unknown option", "require-pap\nipparam two\nno-such-option\n", "SIGHUP: nothing is changed, as the configuration is invalid: ", false},
		{"and its place", "require-pap\nipparam two\nno-such-option\n", "pppoe-server-options:3:", false},
		{"an invalid value", "ipparam two\nmtu x\n", "pppoe-server-options:2:", false},
		{"an open quote", "ipparam \"two\n", "pppoe-server-options", false},
		{"what cannot change", "require-chap\nipparam two\ndatapath plain\n", "SIGHUP: a change of datapath takes effect at an upgrade, which keeps sessions, or at a restart", true},
		{"nor this", "ipparam two\ndatapath-queues 3\n", "SIGHUP: a change of datapath-queues takes effect", true},
		{"nor that", "ipparam two\nlogfile /nowhere/log\n", "SIGHUP: a change of logfile takes effect", true},
		{"a warning", "ipparam two\npersist\n", `option "persist" has no effect on a server`, true},
	} {
		r, out := reloadable(t, "require-chap\nipparam one\n")
		before := r.current
		if err := os.WriteFile(r.flags.options, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		r.reload("SIGHUP")
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: the log has %q, want %q", c.what, out, c.want)
		}
		param := map[bool]string{false: "one", true: "two"}[c.changed]
		used := r.network.(*sessionDevices).scripts.cfg
		if (r.current != before) != c.changed || *used.IPParam != param {
			t.Errorf("%s: changed: %v, scripts get %q", c.what, r.current != before, *used.IPParam)
		}
		if is, was := r.current.Options, before.Options; is.DataPath != was.DataPath || is.Queues != was.Queues || is.LogFile != was.LogFile {
			t.Errorf("%s: changes what cannot change in a running server", c.what)
		}
	}
}

// TestReloadWithoutFile: without its options file the server keeps its options, so that authentication
// is still required.
func TestReloadWithoutFile(t *testing.T) {
	r, out := reloadable(t, "require-chap\n")
	os.Remove(r.flags.options)
	r.reload("SIGHUP")
	if !strings.Contains(out.String(), "nothing is changed") || !strings.Contains(out.String(), "does not exist") {
		t.Errorf("the log has %q", out)
	}
}

// TestReloadMACList: a file of Ethernet addresses is read again; an error in it has file and line, and
// changes nothing.
func TestReloadMACList(t *testing.T) {
	list := filepath.Join(t.TempDir(), "macs")
	write := func(text string) {
		if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("02:00:5e\n")
	r, out := reloadable(t, "require-chap\nmac-deny @"+list+"\n")
	write("02:00:5e\n02:00:5f # another\n")
	r.reload("SIGHUP")
	if n := r.current.Options.AccessConfig().Clients.Deny.Len(); n != 2 || !strings.Contains(out.String(), "reloaded") {
		t.Errorf("%d addresses are denied, want 2; the log has %q", n, out)
	}
	write("02:00:5e\nlan\n")
	r.reload("SIGHUP")
	if n := r.current.Options.AccessConfig().Clients.Deny.Len(); n != 2 || !strings.Contains(out.String(), list+":2: \"lan\"") {
		t.Errorf("%d addresses are denied, want 2 as before; the log has %q", n, out)
	}
}

// TestReloadDebug: debug can be changed.
func TestReloadDebug(t *testing.T) {
	r, out := reloadable(t, "require-chap\n")
	os.WriteFile(r.flags.options, []byte("require-chap\ndebug\n"), 0o600)
	r.reload("SIGHUP")
	r.log.Debug("a packet")
	if !strings.Contains(out.String(), "a packet") {
		t.Errorf("the log has %q", out)
	}
}

// TestOnSIGHUP: SIGHUP does not end the program.
func TestOnSIGHUP(t *testing.T) {
	done := make(chan bool)
	stop := onSignal(unix.SIGHUP, func() { done <- true })
	defer stop()
	for range 2 {
		unix.Kill(os.Getpid(), unix.SIGHUP)
		<-done
	}
}
