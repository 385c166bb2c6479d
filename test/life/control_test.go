package life

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/mgmt/status"
)

// TestStatus: the status of a client, for programs and for people.
func TestStatus(t *testing.T) {
	w := newTestbed(t)
	w.serverOptions(t, "require-chap\nms-dns 192.0.2.53\nms-dns 192.0.2.54\n")
	w.serve(t, "-S", "gold")
	w.write(t, "etc/peers/isp", peerFile+"nodetach\nlinkname first\nusepeerdns\npppoe-service gold\n", 0o600)
	p := w.start(t, "pppd", "call", "isp")
	w.awaitOnline(t)
	_, err := w.client.Ping(ip("192.0.2.1"), 1, timeout)
	check(t, err)
	s := w.awaitStatus(t, "both families are up", func(s status.Status) bool { return s.IPv4 != nil && s.IPv6 != nil })
	if s.PID != p.PID() || s.Call != "isp" || s.Link != "first" || s.Attachment != "eth0" || s.Device != "ppp0" ||
		s.SessionID != 1 || s.AC != mac(t, w.server, "eth0") || s.ACName != "life-ac" || s.Service != "gold" ||
		s.MTU != 1492 || s.Dials != 1 || s.OnlineAt == nil || s.LastEnd != nil {
		t.Errorf("the client is %+v", s)
	}
	if s.IPv4.Local != "192.0.2.10" || s.IPv4.Remote != "192.0.2.1" || strings.Join(s.IPv4.DNS, " ") != "192.0.2.53 192.0.2.54" {
		t.Errorf("IPv4 is %+v", s.IPv4)
	}
	if tr := s.Traffic; tr == nil || tr.SentPackets < 1 || tr.ReceivedPackets < 1 || tr.SentBytes < 28 || tr.ReceivedBytes < 28 {
		t.Errorf("traffic is %+v", tr)
	}
	for _, who := range []string{"", "isp", "first", "ppp0", "eth0"} {
		var args []string
		if who != "" {
			args = []string{who}
		}
		r := w.run(t, "pppoe-client", append([]string{"status"}, args...)...)
		for _, want := range []string{"isp: online since ", "session   1 at ", "(life-ac)", "device    ppp0, MTU 1492", "IPv4      192.0.2.10, peer 192.0.2.1", "DNS       192.0.2.53, 192.0.2.54", "traffic   sent "} {
			if r.code != 0 || !strings.Contains(r.stdout, want) {
				t.Errorf("status %s does not show %q: %+v", who, want, r)
			}
		}
	}
}

// TestNoClient: the output of commands without a client.
func TestNoClient(t *testing.T) {
	w := newTestbed(t)
	for args, want := range map[string]result{
		"status":        {1, "", "pppoe-client: no pppoe-client is running\n"},
		"status --json": {1, "[]\n", "pppoe-client: no pppoe-client is running\n"},
		"stop":          {1, "", "pppoe-client: no pppoe-client is running\n"},
		"log":           {1, "", "pppoe-client: no pppoe-client is running\n"},
		"events":        {1, "", "pppoe-client: no pppoe-client is running\n"},
		"hangup":        {1, "", "pppoe-client: no pppoe-client is running\n"},
	} {
		if got := w.run(t, "pppoe-client", strings.Fields(args)...); got != want {
			t.Errorf("%s: %+v, want %+v", args, got, want)
		}
	}
	for _, args := range []string{"stop --now", "status a b"} {
		if got := w.run(t, "pppoe-client", strings.Fields(args)...); got.code == 0 || !strings.Contains(got.stderr, "unexpected argument") {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

// TestEvents: a reader gets the present state and all later events until the end.
func TestEvents(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	w.dial(t, "persist", "holdoff", "0", "noipv6", "datapath", "offload")
	s := w.awaitOnline(t)
	listener := w.start(t, "pppoe-client", "events")
	check(t, listener.Await(`"state":"online"`))
	if r := w.run(t, "pppoe-client", "hangup"); r.code != 0 {
		t.Errorf("hangup: %+v", r)
	}
	check(t, listener.Await(`"event":"online"`))
	if r := w.run(t, "pppoe-client", "stop"); r.code != 0 {
		t.Errorf("stop: %+v", r)
	}
	awaitExit(t, s.PID)
	wantExit(t, listener, 0)
	first, rest, _ := strings.Cut(listener.Log(), "\n")
	var was status.Status
	if err := json.Unmarshal([]byte(first), &was); err != nil || was.PID != s.PID || was.State != status.Online {
		t.Errorf("the first line is %s", first)
	}
	var names []string
	for _, e := range events(t, rest) {
		names = append(names, e.Event)
	}
	want := "network-lost ended waiting session device authenticated online network-lost ended exit"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("events %s, want %s", got, want)
	}
}

// TestDataPath: the status and the log say what moves packets, and if it is not the kernel, why.
func TestDataPath(t *testing.T) {
	for way, says := range map[string]string{"auto": ": ", "kernel": "kernel: receive in ", "offload": "", "plain": ""} {
		t.Run(way, func(t *testing.T) {
			w := newTestbed(t)
			w.serve(t)
			client := w.dial(t, "datapath", way)
			s := w.awaitStatus(t, "the session has its data path", func(s status.Status) bool {
				return isOnline(s) && (says == "" || s.DataPath != "")
			})
			if _, err := w.client.Ping(ip("192.0.2.1"), 1, timeout); err != nil {
				t.Error(err)
			}
			if says != "" {
				check(t, client.Await("Packets go through"))
			}
			if logs := strings.Contains(client.Log(), "Packets go through"); !strings.Contains(s.DataPath, says) || logs != (says != "") {
				t.Errorf("status says %q, want %q; the log speaks of it: %v", s.DataPath, says, logs)
			}
		})
	}
}

// TestLog: the log can be read later, and followed until the end.
func TestLog(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	if r := w.run(t, "pppoe-client", append([]string{"eth0"}, account...)...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	follower := w.start(t, "pppoe-client", "log", "--follow")
	check(t, follower.Await("local  IP address 192.0.2.10"))
	if r := w.run(t, "pppoe-client", "log"); r.code != 0 || !strings.Contains(r.stdout, "remote IP address 192.0.2.1\n") || strings.Contains(r.stdout, secret) {
		t.Errorf("log: %+v", r)
	}
	if r := w.run(t, "pppoe-client", "stop"); r.code != 0 {
		t.Errorf("stop: %+v", r)
	}
	wantExit(t, follower, 0)
	for _, want := range []string{"Terminating on signal 15", "Connection terminated."} {
		if !strings.Contains(follower.Log(), want) {
			t.Errorf("log --follow does not show %q:\n%s", want, follower.Log())
		}
	}
}

// TestStop stops one of several clients, and waits until it has ended.
func TestStop(t *testing.T) {
	w := newTestbed(t)
	a, b := w.dialTwo(t)
	if r := w.run(t, "pppoe-client", "stop"); r.code != 1 || !strings.Contains(r.stderr, "2 clients are running") || len(w.status(t)) != 2 {
		t.Errorf("stop with two clients: %+v", r)
	}
	if r := w.run(t, "pppoe-client", "stop", b.Device); r.code != 0 {
		t.Errorf("stop %s: %+v", b.Device, r)
	}
	if links := w.links(t); links[b.Device] || !links[a.Device] {
		t.Errorf("after stop, the devices are %v", links)
	}
	if rest := w.status(t); len(rest) != 1 || rest[0].PID != a.PID {
		t.Errorf("after stop, the clients are %+v", rest)
	}
	if r := w.run(t, "pppoe-client", "stop", "--all"); r.code != 0 {
		t.Errorf("stop --all: %+v", r)
	}
	awaitExit(t, a.PID)
	w.leftNothing(t)
}

// TestSocket: only root may connect, and a socket that a crash has left does no harm.
func TestSocket(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	p := w.dial(t)
	w.awaitOnline(t)
	sockets, _ := filepath.Glob(w.dir + "/run/upppoe/*.sock")
	if len(sockets) != 1 {
		t.Fatalf("sockets %q", sockets)
	}
	if info, err := os.Stat(sockets[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", info.Mode(), err)
	}
	kill(t, p)
	if _, err := os.Stat(sockets[0]); err != nil {
		t.Errorf("nothing is tested: %v", err)
	}
	if all := w.status(t); len(all) != 0 {
		t.Errorf("after kill -9 there are %+v", all)
	}
	if _, err := os.Stat(sockets[0]); err == nil {
		t.Error("the socket is left")
	}
	w.dial(t)
	w.awaitOnline(t)
}

// TestEventReaderStalls: a reader that stops reading events delays nothing.
func TestEventReaderStalls(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	r, stuck, err := os.Pipe()
	check(t, err)
	defer r.Close()
	// The socket's buffer is full, so that a write would block.
	fd := int(stuck.Fd())
	check(t, unix.SetNonblock(fd, true))
	for block := make([]byte, 4096); err == nil; {
		_, err = unix.Write(fd, block)
	}
	check(t, unix.SetNonblock(fd, false))
	cmd := w.command("pppoe-client", append([]string{"eth0", "nodetach", "json"}, account...)...)
	cmd.Stdout = stuck
	var log bytes.Buffer
	cmd.Stderr = &log
	check(t, w.client.Start(cmd, w.binds()...))
	stuck.Close()
	t.Cleanup(func() { cmd.Process.Kill() })
	w.awaitOnline(t)
	check(t, cmd.Process.Signal(unix.SIGTERM))
	awaitExit(t, cmd.Process.Pid)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 5 {
		t.Errorf("exit code %d:\n%s", code, log.String())
	}
}
