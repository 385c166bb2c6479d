package main

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/internal/aaa/radius"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/mgmt/control"
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/ipcp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// fakeServer has sessions, and records what is asked of it.
type fakeServer struct {
	servercontrol.Server // of the methods that no command needs
	sessions             []pppoe.SessionStatus
	calls                []string
}

func (s *fakeServer) Sessions() iter.Seq[pppoe.SessionStatus] { return slices.Values(s.sessions) }
func (s *fakeServer) Drain(on bool)                           { s.calls = append(s.calls, fmt.Sprint("drain ", on)) }
func (s *fakeServer) Stats() pppoe.Stats {
	return pppoe.Stats{
		Sessions: 2, Online: 2, MaxSessions: 64, Established: 9, Opened: 7, Accepted: 7, Rejected: 1,
		Failed: map[session.Cause]uint64{session.CausePeerNotAuthenticated: 2}, Ended: map[session.Cause]uint64{session.CauseHangUp: 1, session.CausePeerDead: 4},
		Received: pppoe.DiscoveryCounts{PADI: 20, PADR: 9}, Sent: pppoe.DiscoveryCounts{PADO: 20, PADS: 9, PADT: 3},
		Drops:  map[error]uint64{pppoe.ErrVLAN: 2, pppoe.ErrDraining: 1},
		Queues: []pppoe.QueueStats{{Interface: "eth1", Discovery: 1, Capacity: 4096}},
	}
}

func (s *fakeServer) Disconnect(k pppoe.SessionKey, how pppoe.DisconnectMode, why session.Reason) error {
	s.calls = append(s.calls, fmt.Sprintf("disconnect %d %d %s", k.Generation, how, why.Text))
	return nil
}

func (s *fakeServer) ChangePolicy(k pppoe.SessionKey, change func(*pppoe.SessionPolicy)) error {
	var p pppoe.SessionPolicy
	change(&p)
	s.calls = append(s.calls, fmt.Sprintf("update %d %d %d %v", k.Generation, p.Up.Bits, p.Down.Bits, p.Up.Burst))
	return nil
}

// twoSessions returns a server with sessions of alice and bob.
func twoSessions() *fakeServer {
	line := wire.AccessLine{CircuitID: "dslam1 atm 1/2:3.4", RemoteID: "al\x1bice"}
	line.SetAttribute(wire.ActualRateDown, 50000)
	of := func(n byte, user, tags string) pppoe.SessionStatus {
		s := pppoe.SessionStatus{
			SessionInfo: pppoe.SessionInfo{Interface: "eth1." + tags, SessionID: uint16(n), Generation: uint64(n), Peer: wire.Addr{2, 0, 0x5e, 0, 0x53, n}, User: user, Device: "pppoe0"},
			Ethernet:    "eth1", VLAN: tags, Phase: pppoe.PhaseOnline, Opened: time.Now().Add(-time.Duration(n) * time.Hour), RoundTrip: 1500 * time.Microsecond,
			Policy: &pppoe.SessionPolicy{Down: datapath.Rate{Bits: 100e6}},
		}
		s.MTU, s.IPv4 = 1492, ipcp.Agreement{Local: netip.MustParseAddr("192.0.2.1"), Remote: netip.AddrFrom4([4]byte{192, 0, 2, 12 - n})}
		s.Counters = datapath.Counters{SentPackets: 1, SentBytes: uint64(n) * 1e9, ReceivedPackets: 3, ReceivedBytes: 4567, Dropped: 5, Spoofed: 2}
		return s
	}
	alice, bob := of(1, "al\x1bice", "100"), of(2, "bob", "9")
	alice.AccessLine = &line
	return &fakeServer{sessions: []pppoe.SessionStatus{alice, bob}}
}

// serveControl serves a fake server's control socket.
func serveControl(t *testing.T, server *fakeServer, name string) *control.Server {
	t.Helper()
	p := &servercontrol.Program{
		Server: server, NAS: &radius.NAS{Started: time.Unix(0x6a000000, 0)}, Info: servercontrol.Info{ACName: "ac", Interfaces: []string{"eth1"}},
		Reload: func() ([]string, error) { return nil, errors.New("/etc/ppp/pppoe-server-options:3: unknown option x") },
		Pools: func() []servercontrol.Pool {
			return []servercontrol.Pool{{Name: "ipv4", Family: "ipv4", Range: "192.0.2.10-192.0.2.73", Size: 64, Used: 2, Free: 62, Reserved: 1, Refused: 4},
				{Name: "ipv6", Family: "delegated", Kind: "delegated", Length: 56, Range: "2001:db8:100::/40", Size: 65536, Used: 655, Free: 64881}}
		},
	}
	log := control.NewLogRing()
	log.Write([]byte("one\n"))
	log.Write([]byte("two\n"))
	s, err := control.Listen(control.Config{Path: filepath.Join(sockets, name+".sock"), Handler: p, Log: log, Requests: p.Requests()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// useSockets uses another directory of sockets for a test, and measures rates for a short time only.
func useSockets(t *testing.T) {
	dir, interval := sockets, rateInterval
	sockets, rateInterval = t.TempDir(), time.Millisecond
	t.Cleanup(func() { sockets, rateInterval = dir, interval })
}

// runCommand runs the program with arguments, and returns its exit code and output.
func runCommand(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	outs := [...]**os.File{&os.Stdout, &os.Stderr}
	var texts [len(outs)]string
	for _, out := range outs {
		f, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		before := *out
		*out = f
		defer func() { f.Close(); *out = before }()
	}
	code = run(args)
	for i, out := range outs {
		text, err := os.ReadFile((*out).Name())
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	return code, texts[0], texts[1]
}

// TestCommands: what each command asks, prints and returns.
func TestCommands(t *testing.T) {
	useSockets(t)
	server := twoSessions()
	defer serveControl(t, server, socketName).Close()
	both := []string{"disconnect 1 0 disconnected by the operator", "disconnect 2 0 disconnected by the operator"}
	for _, c := range []struct {
		args  string
		code  int
		out   string // contained in the output
		err   string // contained in the error output
		calls []string
	}{
		{"status", 0, "ac: serving; running since", "", nil},
		{"status --json", 0, `"max_sessions": 64`, "", nil},
		{"sessions", 0, "USER", "", nil},
		{"session bob", 0, "session 2: bob, online\n  client      02:00:5e:00:53:02 on eth1.9, PPPoE session 2\n", "", nil},
		{"session 192.0.2.11", 0, "  circuit ID  dslam1 atm 1/2:3.4\n  remote ID   al\\033ice\n  access line actual_rate_down 50000\n", "", nil},
		{"session 02-00-5e-00-53-02 --json", 0, `"user":"bob"`, "", nil},
		{"session 1", 0, "  limits      down 100 Mbit/s\n", "", nil},
		{"session 6A00000000000002", 0, "session 2: bob, online\n", "", nil},
		{"sessions --json --acct-session-id 6a00000000000002", 0, `"acct_session_id":"6a00000000000002"`, "", nil},
		{"session carol", 12, "", "pppoe-server: no session matches\n", nil},
		{"session", 2, "", "name a session by its ID", nil},
		{"session a b", 2, "", `unexpected argument "b"`, nil},
		{"sessions --sort nonsense", 2, "", "--sort nonsense: there is no such column: give one of id, user, ip", nil},
		{"sessions --columns user,x", 2, "", "--columns x: there is no such column", nil},
		{"sessions --vlan 9999", 2, "", `vlan "9999"`, nil},
		{"sessions --json --user carol", 0, "[]\n", "", nil},
		{"sessions --json --user bob", 0, `[` + "\n" + `{"id":2,"line":"eth1.9",`, "", nil},
		{"sessions --json --rates --user bob", 0, `"bits_up":0,"bits_down":0}` + "\n]\n", "", nil},
		{"top --once --every 100ms --rows 1 --columns user,vlan", 0, "ac: 2 online, 0 half-open, 2 sessions of 64\nup 0 bit/s, down 0 bit/s, set-ups 0/s, failed logins 0/s, drops 0/s\nUSER       VLAN\nal\\033ice  100\n1 more\n", "", nil},
		{"top --count 2 --every 100ms --sort -user --user bob", 0, "online\n\nac: 2 online", "", nil},
		{"top --once --socket /nonexistent.sock", 10, "", "no pppoe-server is running at /nonexistent.sock", nil},
		{"top --sort x", 2, "", "--sort x: there is no such column", nil},
		{"top --columns x", 2, "", "--columns x: there is no such column", nil},
		{"top --every 1ms", 2, "", "--every 1ms: give 100ms or more", nil},
		{"top --count -1", 2, "", "--count and --rows: give 1 or more", nil},
		{"disconnect bob", 0, "disconnected 1 session\n", "", both[1:]},
		{"disconnect 6a00000000000002", 0, "disconnected 1 session\n", "", both[1:]},
		{"disconnect 1234567800000001", 12, "", "no session matches", nil},
		{"update 6a00000000000001 --rate-up 1M", 0, "updated 1 session\n", "", []string{"update 1 1000000 0 0s"}},
		{"disconnect --hard --reason bye --circuit-id dslam1*", 0, "disconnected 1 session\n", "", []string{"disconnect 1 1 bye"}},
		{"disconnect --interface eth1", 13, "", "several sessions match: name one, or give --all\n  id 1: 02:00:5e:00:53:01 on eth1.100, user al\\033ice, 192.0.2.11\n  id 2: ", nil},
		{"disconnect --interface eth1 --all", 0, "disconnected 2 sessions\n", "", both},
		{"disconnect --all", 0, "disconnected 2 sessions\n", "", both},
		{"disconnect", 2, "", "or give --all", nil},
		{"disconnect --soft --hard bob", 2, "", "--soft and --hard exclude each other", nil},
		{"update bob --rate-up 20000 --burst 100", 0, "updated 1 session\n", "", []string{"update 2 20000000 0 100ms"}},
		{"update bob --rate-up 20M", 0, "updated 1 session\n", "", []string{"update 2 20000000 0 0s"}},
		{"update bob --rate-up fast", 2, "", "give a rate in kbit/s like 20000, or like 20M", nil},
		{"terminate bob", 2, "", `there is no command "terminate": use disconnect`, nil},
		{"show sessions", 2, "", `there is no command "show": use sessions`, nil},
		{"sesions", 2, "", `there is no command "sesions": use sessions`, nil},
		{"help update", 0, "usage: pppoe-server update", "", nil},
		{"update bob --rate-down 0", 0, "updated 1 session\n", "", []string{"update 2 0 0 0s"}},
		{"update bob", 2, "", "give --rate-up, --rate-down or --burst", nil},
		{"update bob --burst 0", 2, "", "burst 0: give 1 to 60000 ms", nil},
		{"drain", 0, "the server drains\n", "", []string{"drain true"}},
		{"undrain", 0, "the server opens sessions\n", "", []string{"drain false"}},
		{"reload", 1, "", "pppoe-server: /etc/ppp/pppoe-server-options:3: unknown option x\n", nil},
		{"pools", 0, "POOL  KIND           RANGE                   SIZE  USED   FREE  RESERVED  REFUSED    USE\n" +
			"ipv4  ipv4           192.0.2.10-192.0.2.73     64     2     62         1        4  3.1 %\n" +
			"ipv6  delegated /56  2001:db8:100::/40      65536   655  64881                     1.0 %\n", "", nil},
		{"pools --json", 0, `"used": 2`, "", nil},
		{"stats", 0, "failed          2 peer-not-authenticated\nended           4 peer-dead, 1 hangup\n", "", nil},
		{"stats --json", 0, `"auth_rejected": 1`, "", nil},
		{"log", 0, "one\ntwo\n", "", nil},
		{"log -n 1", 0, "two\n", "", nil},
		{"status x", 2, "", `unexpected argument "x"`, nil},
		{"sessions --nonsense", 2, "", "pppoe-server sessions --help", nil},
		{"status --socket /nonexistent", 10, "", "no pppoe-server is running at /nonexistent", nil},
	} {
		server.calls = nil
		code, out, errs := runCommand(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.err) || (c.err == "") != (errs == "") || !slices.Equal(server.calls, c.calls) {
			t.Errorf("%s: exit code %d, %q\n%s%s\nwant exit code %d, %q\n%s%s", c.args, code, server.calls, out, errs, c.code, c.calls, c.out, c.err)
		}
	}
}

// TestSessionsTable: the table without a terminal is complete, and sorted as requested.
func TestSessionsTable(t *testing.T) {
	useSockets(t)
	defer serveControl(t, twoSessions(), socketName).Close()
	const want = "" +
		"ID  USER       IP          MAC                INTERFACE  VLAN  CIRCUIT-ID          UPTIME  UP  DOWN    IN   OUT  RTT  STATE\n" +
		" 2  bob        192.0.2.10  02:00:5e:00:53:02  eth1       9                          2h00m   0     0  4.6k  2.0G  1.5  online\n" +
		" 1  al\\033ice  192.0.2.11  02:00:5e:00:53:01  eth1       100   dslam1 atm 1/2:3.4   1h00m   0     0  4.6k  1.0G  1.5  online\n"
	if code, out, _ := runCommand(t, "sessions"); code != 0 || out != want {
		t.Errorf("exit code %d\n%s\nwant\n%s", code, out, want)
	}
	for sort, want := range map[string]string{
		"user": "al\\033ice\nbob\n", "-user": "bob\nal\\033ice\n", "vlan": "bob\nal\\033ice\n", "ip": "bob\nal\\033ice\n", "uptime": "al\\033ice\nbob\n", "-out": "bob\nal\\033ice\n", "rtt": "al\\033ice\nbob\n", "down": "al\\033ice\nbob\n",
	} {
		if _, out, _ := runCommand(t, "sessions", "--columns", "user", "--sort", sort); out != "USER\n"+want {
			t.Errorf("sorted by %s:\n%s", sort, out)
		}
	}
}

// TestFindSocket: the only server is found; of several one must be named, and the error lists them.
func TestFindSocket(t *testing.T) {
	useSockets(t)
	if _, err := findSocket(""); !errors.Is(err, errNoServer) {
		t.Errorf("without a server: %v", err)
	}
	first := serveControl(t, twoSessions(), socketName)
	defer first.Close()
	if path, err := findSocket(""); err != nil || path != first.Path() {
		t.Errorf("with one: %s, %v", path, err)
	}
	second := serveControl(t, twoSessions(), socketName+"-7")
	_, err := findSocket("")
	if !errors.Is(err, errSeveralServers) || exitCode(err) != 11 {
		t.Errorf("with two: %v", err)
	}
	for _, path := range []string{first.Path(), second.Path()} {
		if want := fmt.Sprintf("--socket %s  (ac on eth1, process %d)", path, os.Getpid()); !strings.Contains(err.Error(), want) {
			t.Errorf("with two: %v; want %s", err, want)
		}
	}
	second.Close()
	if path, err := findSocket(""); err != nil || path != first.Path() {
		t.Errorf("after the end of one: %s, %v", path, err)
	}
}

// TestOpenControl: the socket of a second server has another name; a group that does not exist, and a
// socket that cannot be opened but was asked for, are errors.
func TestOpenControl(t *testing.T) {
	useSockets(t)
	open := func(f serverconfig.Control) (*controlSocket, error) {
		return openControl(f, nil, control.NewLogRing(), slog.New(slog.DiscardHandler))
	}
	first, err := open(serverconfig.Control{})
	if err != nil {
		t.Fatal(err)
	}
	defer first.close()
	second, err := open(serverconfig.Control{})
	if err != nil {
		t.Fatal(err)
	}
	defer second.close()
	if a, b := filepath.Base(first.socket.Path()), filepath.Base(second.socket.Path()); a != "pppoe-server.sock" || b != fmt.Sprintf("pppoe-server-%d.sock", os.Getpid()) {
		t.Errorf("sockets %s and %s", a, b)
	}
	none, err := open(serverconfig.Control{Socket: serverconfig.NoSocket})
	if err != nil || none.socket != nil {
		t.Errorf("none: %v", err)
	}
	none.notify(pppoe.SessionInfo{}, pppoe.SessionEstablished{})
	none.close()
	if _, err := open(serverconfig.Control{Group: "no such group"}); exitCode(err) != exitOptions {
		t.Errorf("an unknown group: %v", err)
	}
	if _, err := open(serverconfig.Control{Socket: first.socket.Path()}); err == nil {
		t.Error("a socket in use that was asked for is no error")
	}
	if s, err := open(serverconfig.Control{Socket: filepath.Join(first.socket.Path(), "x")}); err == nil {
		t.Errorf("a socket within a file: %v", s.socket)
	}
}

// TestReadResponse: a response that is not complete, or not one of ours, is an error.
func TestReadResponse(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "the server has ended",
		`{"id":1}` + "\n":                        "the server has ended",
		`{"id":1}` + "\n" + `{"done`:             "the server has ended",
		"user 7 may not control this program":    "user 7 may not control",
		`unknown request "x"` + "\n":             "unknown request",
		`{"error":"no","code":"refused"}` + "\n": "no",
		`{"done":true}` + "\n":                   "",
	} {
		_, err := readResponse(strings.NewReader(text), func([]byte) error { return nil })
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestEventText: events for people, with nothing that the peer sent unescaped.
func TestEventText(t *testing.T) {
	info := twoSessions().sessions[0].SessionInfo
	line := servercontrol.EventLine(info, pppoe.Ended{Reason: session.Reason{Cause: session.CauseHangUp, Text: "\x1b"}, Uptime: time.Hour})
	_, got, _ := strings.Cut(eventText(line), "  ")
	if want := `ended  id 1  user al\033ice  mac 02:00:5e:00:53:01  on eth1.100  device pppoe0  in 0 B  out 0 B  after 1h00m  cause hangup  text \033`; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	p := &servercontrol.Program{Server: twoSessions(), Info: servercontrol.Info{ACName: "ac"}}
	if got := eventText(p.Status()); got != "ac: serving, 2 sessions, 2 online" {
		t.Error(got)
	}
	if got := eventText(p.DroppedEvents(3)); !strings.HasSuffix(got, "missed  not reported 3") {
		t.Error(got)
	}
	if got := eventText([]byte("24 connections follow")); got != "24 connections follow" {
		t.Error(got)
	}
}
