package main

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/log/pppdlog"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// reloadable is a server whose options file holds a text, as far as SIGHUP is concerned.
func reloadable(t *testing.T, text string) (*reloader, *bytes.Buffer) {
	f := set(t, text)
	s, err := options(f)
	if err != nil {
		t.Fatal(err)
	}
	out := &bytes.Buffer{}
	lines := pppdlog.NewHandler(false)
	lines.AddUnqueued(out)
	log := slog.New(lines)
	cfg := config(f, s, nil, log)
	run := newSessionScripts()
	run.use(host(s, run, log), scriptsOf(f, s, log))
	cfg.Network = run
	ports := ethertest.New(ethertest.Config{}).Ports(wire.Addr{2, 0, 0x5e, 0, 0x53, 1})
	t.Cleanup(func() { ports.Close() })
	server, err := pppoe.NewServer(cfg, []pppoe.Listener{{Interface: "eth0", Ports: ports}})
	if err != nil {
		t.Fatal(err)
	}
	return &reloader{flags: f, settings: s, accounts: cfg.Authenticator, log: log, lines: lines, scripts: run, server: server}, out
}

// TestReload: what the options file says holds for sessions that begin then; a broken one
// changes nothing, and the log names file, line and fault.
func TestReload(t *testing.T) {
	for _, c := range []struct {
		what, text, want string
		changed          bool
	}{
		{"other options", "require-pap\nipparam two\nmtu 1400\n", "SIGHUP: options and accounts are read again", true},
		{"an unknown option", "require-pap\nipparam two\nno-such-option\n", "SIGHUP: nothing is changed, as the options cannot be used: ", false},
		{"and its place", "require-pap\nipparam two\nno-such-option\n", "pppoe-server-options:3:", false},
		{"a value that is none", "ipparam two\nmtu x\n", "pppoe-server-options:2:", false},
		{"an open quote", "ipparam \"two\n", "pppoe-server-options", false},
		{"what cannot change", "require-chap\nipparam two\ndatapath plain\n", "SIGHUP: option datapath takes effect when the server is started anew", true},
		{"nor this", "ipparam two\ndatapath-queues 3\n", "SIGHUP: option datapath-queues takes effect", true},
		{"nor that", "ipparam two\nlogfile /nowhere/log\n", "SIGHUP: option logfile takes effect", true},
		{"a notice", "ipparam two\npersist\n", `option "persist" has no effect on a server`, true},
	} {
		r, out := reloadable(t, "require-chap\nipparam one\n")
		before := r.settings
		if err := os.WriteFile(r.flags.options, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		r.reload()
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: the log says %q, want %q", c.what, out, c.want)
		}
		param := map[bool]string{false: "one", true: "two"}[c.changed]
		if (r.settings != before) != c.changed || *r.scripts.cfg.IPParam != param {
			t.Errorf("%s: changed: %v, scripts get %q", c.what, r.settings != before, *r.scripts.cfg.IPParam)
		}
		if r.settings.DataPath != before.DataPath || r.settings.Queues != before.Queues || r.settings.LogFile != before.LogFile {
			t.Errorf("%s: changes what cannot change while sessions are there", c.what)
		}
	}
}

// TestReloadWithoutFile: an options file that is gone is no reason to let everybody in.
func TestReloadWithoutFile(t *testing.T) {
	r, out := reloadable(t, "require-chap\n")
	os.Remove(r.flags.options)
	r.reload()
	if !strings.Contains(out.String(), "nothing is changed") || !strings.Contains(out.String(), "there is no options file") {
		t.Errorf("the log says %q", out)
	}
}

// TestReloadDebug: debug is among the options that change.
func TestReloadDebug(t *testing.T) {
	r, out := reloadable(t, "require-chap\n")
	os.WriteFile(r.flags.options, []byte("require-chap\ndebug\n"), 0o600)
	r.reload()
	r.log.Debug("a packet")
	if !strings.Contains(out.String(), "a packet") {
		t.Errorf("the log says %q", out)
	}
}

// TestOnHangUp: SIGHUP does not end the program.
func TestOnHangUp(t *testing.T) {
	done := make(chan bool)
	stop := onSIGHUP(func() { done <- true })
	defer stop()
	for range 2 {
		unix.Kill(os.Getpid(), unix.SIGHUP)
		<-done
	}
}
