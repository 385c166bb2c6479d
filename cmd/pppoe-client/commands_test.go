package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/mgmt/control"
	"upppoe/internal/mgmt/status"
	"upppoe/internal/version"
)

// client is a control server that records its requests.
type client struct {
	server   *control.Server
	requests chan string
}

func (c *client) Status() []byte {
	text, _ := json.Marshal(status.Status{PID: 1, Call: "isp", Link: "wan", Attachment: "eth0.50", Device: "ppp0", State: status.Online})
	return text
}

func (c *client) DroppedEvents(int) []byte { return nil }

func (c *client) RecentEvents() []byte {
	return []byte(`{"time":"2026-11-29T12:00:00Z","event":"waiting","for":"traffic"}` + "\n")
}

func (c *client) HangUp() { c.requests <- "hangup" }

// Stop ends the client; the caller of the command waits for that.
func (c *client) Stop() {
	c.requests <- "stop"
	go c.server.Close()
}

// clients makes commands find n clients, all of which are this process.
func clients(t *testing.T, n int) *client {
	t.Helper()
	before, interval := sockets, topInterval
	sockets, topInterval = filepath.Join(t.TempDir(), "run"), time.Millisecond
	t.Cleanup(func() { sockets, topInterval = before, interval })
	if n == 0 {
		return nil
	}
	c, log := &client{requests: make(chan string, 10)}, control.NewLogRing()
	log.Write([]byte("a line\n"))
	var err error
	if c.server, err = control.ListenClient(sockets, c, log); err != nil {
		t.Fatal(err)
	}
	for i := range n - 1 { // IDs that no process has
		if err := os.Symlink(fmt.Sprintf("%d.sock", os.Getpid()), filepath.Join(sockets, fmt.Sprintf("%d.sock", 1<<30+i))); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// TestRecentEvents: the last events of a client, of which it keeps a limited number.
func TestRecentEvents(t *testing.T) {
	c := clients(t, 1)
	defer c.server.Close()
	events, err := topSource("").RecentEvents(os.Getpid())
	if err != nil || len(events) != 1 || events[0].Event != "waiting" || events[0].For != "traffic" {
		t.Errorf("%+v, %v", events, err)
	}
	var p program
	for i := range maxRecent + 3 {
		p.recent.add(fmt.Appendf(nil, "%d\n", i))
	}
	if got := string(p.RecentEvents()); !strings.HasPrefix(got, "3\n4\n") || strings.Count(got, "\n") != maxRecent || !strings.HasSuffix(got, "\n34\n") {
		t.Errorf("%q", got)
	}
}

// call runs the program under a name, and returns what it prints.
func call(t *testing.T, name string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	out, err := [2]*os.File{os.Stdout, os.Stderr}, error(nil)
	defer func() { os.Stdout, os.Stderr = out[0], out[1] }()
	var files [2]*os.File
	for i := range files {
		if files[i], err = os.Create(filepath.Join(t.TempDir(), "out")); err != nil {
			t.Fatal(err)
		}
		defer files[i].Close()
	}
	os.Stdout, os.Stderr = files[0], files[1]
	code = run(name, args)
	var text [2]string
	for i, f := range files {
		f.Seek(0, io.SeekStart)
		all, _ := io.ReadAll(f)
		text[i] = string(all)
	}
	return code, text[0], text[1]
}

func (c *client) request() string {
	select {
	case what := <-c.requests:
		return what
	default:
		return ""
	}
}

// TestFind: any name of a client finds it.
func TestFind(t *testing.T) {
	c := clients(t, 1)
	defer c.server.Close()
	for _, who := range []string{"", "isp", "wan", "ppp0", "eth0.50", fmt.Sprint(os.Getpid())} {
		if found, err := find(who); err != nil || len(found) != 1 || found[0].PID != os.Getpid() {
			t.Errorf("%q: %+v, %v", who, found, err)
		}
	}
	for _, who := range []string{"is", "eth0", "1"} {
		if code, _, stderr := call(t, "pppoe-client", "hangup", who); code != exitFatal || !strings.Contains(stderr, who) || c.request() != "" {
			t.Errorf("%q: code %d, %s", who, code, stderr)
		}
	}
}

// TestCommands: commands with no client, one, or several.
func TestCommands(t *testing.T) {
	for _, c := range []struct {
		name    string
		args    []string
		clients int
		code    int
		request string
		says    string // on either output
	}{
		{"pppoe-client", []string{"status"}, 1, 0, "", "isp: online"},
		{"pppoe-client", []string{"status", "--json"}, 1, 0, "", `"call": "isp"`},
		{"pppoe-client", []string{"status", "--json"}, 0, 1, "", "[]"},
		{"pppoe-client", []string{"status"}, 0, 1, "", "no pppoe-client is running"},
		{"pppoe-client", []string{"status", "--nonsense"}, 1, 2, "", `unexpected argument "--nonsense"`},
		{"pppoe-client", []string{"status", "a", "b"}, 1, 2, "", `unexpected argument "b"`},
		{"pppoe-client", []string{"top", "--once"}, 1, 0, "", "isp     online  eth0.50"},
		{"pppoe-client", []string{"top", "--count", "2", "wan"}, 2, 0, "", "isp     online  eth0.50"},
		{"pppoe-client", []string{"top"}, 0, 1, "", "no pppoe-client is running"},
		{"pppoe-client", []string{"top", "--count", "0"}, 1, 2, "", "--count: give the number"},
		{"pppoe-client", []string{"top", "--count"}, 1, 2, "", "--count: give the number"},
		{"pppoe-client", []string{"top", "--nonsense"}, 1, 2, "", "unexpected argument"},
		{"pppoe-client", []string{"log"}, 1, 0, "", "a line"},
		{"pppoe-client", []string{"log", "-x"}, 1, 2, "", "unexpected argument"},
		{"pppoe-client", []string{"events", "-x"}, 1, 2, "", "unexpected argument"},
		{"pppoe-client", []string{"hangup"}, 1, 0, "hangup", ""},
		{"pppoe-client", []string{"hangup", "isp"}, 1, 0, "hangup", ""},
		{"pppoe-client", []string{"hangup"}, 2, 1, "", "2 clients are running: name one, or give --all"},
		{"pppoe-client", []string{"hangup", "--all"}, 2, 0, "hangup", ""},
		{"pppoe-client", []string{"stop", "wan"}, 1, 0, "stop", ""},
		{"pppoe-client", []string{"stop"}, 0, 1, "", "no pppoe-client is running"},
		{"poff", nil, 1, 0, "stop", ""},
		{"poff", []string{"isp"}, 1, 0, "stop", ""},
		{"poff", []string{"other"}, 1, 1, "", "for peer other"},
		{"poff", nil, 0, 1, "", "no pppoe-client is running"},
		{"poff", nil, 2, 1, "", "2 sessions are open"},
		{"poff", []string{"-h"}, 1, 0, "", "usage: poff"},
		{"poff", []string{"-x"}, 1, 1, "", "usage: poff"},
		{"pon", []string{"-x"}, 0, 0, "", "usage: pon"},
		{"plog", nil, 1, 0, "", "a line"},
		{"pon", []string{"--help"}, 0, 0, "", "usage: pon"},
		{"pon", []string{"nobody"}, 0, 1, "", "peers/nobody does not exist"},
		{"pon", nil, 0, 1, "", "peers/provider"},
		{"pppoe-client", nil, 0, 0, "", "Exit codes:"},
		{"pppoe-client", []string{"help"}, 0, 0, "", "Exit codes:"},
		{"pppoe-client", []string{"eth0", "--help"}, 0, 0, "", "Exit codes:"},
		{"pppoe-client", []string{"user", "help", "dryrun"}, 0, 2, "", "no interface given"},
		{"pppoe-client", []string{"pty", "ssh host"}, 0, 2, "", `no interface given: name the Ethernet interface to dial on, like eth0; option "pty" has no effect`},
	} {
		t.Run(strings.Join(append([]string{c.name}, c.args...), " "), func(t *testing.T) {
			secretsIn(t, nil)
			t.Setenv("HOME", t.TempDir())
			one := clients(t, c.clients)
			if one != nil && c.request != "stop" {
				defer one.server.Close()
			}
			code, stdout, stderr := call(t, c.name, c.args...)
			if code != c.code || !strings.Contains(stdout+stderr, c.says) {
				t.Errorf("code %d, want %d; it says %s%s, want %q", code, c.code, stdout, stderr, c.says)
			}
			if one != nil && one.request() != c.request {
				t.Errorf("the client did not receive %q", c.request)
			}
		})
	}
}

// TestInfo: under every name, help and version are printed to standard output, with exit code 0. The
// value of an option is not an informational option.
func TestInfo(t *testing.T) {
	secretsIn(t, nil)
	t.Setenv("HOME", t.TempDir())
	for _, c := range []struct{ name, help, version string }{
		{"pppoe-client", "pppoe-client is a PPPoE client", version.Line("pppoe-client")},
		{"another-name", "pppoe-client is a PPPoE client", version.Line("pppoe-client")},
		{"pppd", version.PPPD() + "\npppoe-client is a PPPoE client", version.PPPD()},
		{"pon", "usage: pon", version.Line("pon")},
		{"poff", "usage: poff", version.Line("poff")},
		{"plog", "usage: plog", version.Line("plog")},
	} {
		for _, arg := range []string{"-h", "--help"} {
			if code, stdout, stderr := call(t, c.name, arg); code != 0 || !strings.HasPrefix(stdout, c.help) || stderr != "" {
				t.Errorf("%s %s: code %d, %q and %q, want %q", c.name, arg, code, stdout, stderr, c.help)
			}
		}
		for _, arg := range []string{"-v", "--version"} {
			if code, stdout, stderr := call(t, c.name, arg); code != 0 || stdout != c.version+"\n" || stderr != "" {
				t.Errorf("%s %s: code %d, %q and %q, want %q", c.name, arg, code, stdout, stderr, c.version)
			}
		}
	}
	code, stdout, _ := call(t, "pppoe-client", "user", "--version", "dryrun")
	if code != exitOptions || stdout != "" {
		t.Errorf("a user called --version: code %d and %q", code, stdout)
	}
}

// TestPoffSignals: poff sends clients the signals that it sends to pppd.
func TestPoffSignals(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2)
	defer signal.Stop(signals)
	c := clients(t, 1)
	defer c.server.Close()
	for flag, want := range map[string]os.Signal{"-r": unix.SIGHUP, "-d": unix.SIGUSR1, "-c": unix.SIGUSR2} {
		if code, _, stderr := call(t, "poff", flag, "isp"); code != 0 {
			t.Errorf("poff %s: code %d, %s", flag, code, stderr)
			continue
		}
		select {
		case got := <-signals:
			if got != want {
				t.Errorf("poff %s sends %v, want %v", flag, got, want)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("poff %s sends nothing", flag)
		}
	}
}
