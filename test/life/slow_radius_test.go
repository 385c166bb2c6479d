package life

import (
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2866"

	"upppoe/internal/aaa/radius"
	"upppoe/internal/mgmt/status"
)

// slowRADIUS is a RADIUS server of authentication and accounting that accepts everything, and answers when the test
// lets it.
type slowRADIUS struct {
	mu       sync.Mutex
	held     map[layeh.Code]bool
	waiting  []func()         // answers that are held
	requests map[[16]byte]int // by their authenticator, how often they were received
	received []*layeh.Packet  // each once
}

const slowSecret = "slow"

// newSlowRADIUS starts the server on the machine of the PPPoE server, and configures that.
func (w *testbed) newSlowRADIUS(t *testing.T, device string) (r *slowRADIUS, server *upgradable) {
	t.Helper()
	r = &slowRADIUS{held: make(map[layeh.Code]bool), requests: make(map[[16]byte]int)}
	for _, port := range []int{1812, 1813} {
		var conn *net.UDPConn
		check(t, w.server.Do(func() (err error) {
			conn, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
			return err
		}))
		t.Cleanup(func() { conn.Close() })
		go r.serve(conn) // ends with the socket
	}
	w.serverFile(t, "server.toml", strings.NewReplacer("ETC", w.serverEtc, "DEVICE", device).Replace(`
[server]
ac-name = "life-ac"
foreground = true
[[interface]]
name = "eth0"
[device]
mode = "DEVICE"
[ipv4]
local-address = "192.0.2.1"
first-address = "192.0.2.10"
[authentication]
methods = ["chap"]
[radius]
timeout = "2s"
[[radius-server]]
address = "127.0.0.1"
secret = "`+slowSecret+`"
[accounting]
spool = "ETC/accounting.db"
[state]
file = "ETC/sessions.log"
[control]
socket = "ETC/server.sock"
[log]
debug = true
[scripts]
directory = "ETC"
`), 0o600)
	server = &upgradable{testbed: w, socket: filepath.Join(w.serverEtc, "server.sock")}
	server.start(t)
	await(t, "Accounting-On was received", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.received) == 1
	})
	return r, server
}

// start starts a server that a file configures.
func (u *upgradable) start(t *testing.T) {
	t.Helper()
	u.Program = launch(t, u.testbed.server, exec.Command(filepath.Join(bin, "pppoe-server"), "--config", filepath.Join(u.serverEtc, "server.toml")))
	check(t, u.Await("Serving on eth0"))
}

// upgradeWhile upgrades the server, calls a function once the successor is ready, and returns what the command says.
func (u *upgradable) upgradeWhile(t *testing.T, isReady func()) string {
	t.Helper()
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		out, err := exec.Command(filepath.Join(bin, "pppoe-server"), "upgrade", "--socket", u.socket).CombinedOutput()
		done <- result{string(out), err}
	}()
	check(t, u.Await("upgrade: it is ready"))
	isReady()
	r := <-done
	if r.err != nil {
		t.Fatalf("upgrade: %v: %s", r.err, r.text)
	}
	return r.text
}

func (r *slowRADIUS) serve(conn *net.UDPConn) {
	b := make([]byte, layeh.MaxPacketLength)
	for {
		n, from, err := conn.ReadFromUDP(b)
		if err != nil {
			return
		}
		p, err := layeh.Parse(slices.Clone(b[:n]), []byte(slowSecret))
		if err != nil {
			continue
		}
		code := layeh.CodeAccessAccept
		if p.Code == layeh.CodeAccountingRequest {
			code = layeh.CodeAccountingResponse
		}
		answer, err := radius.EncodeResponse(p.Response(code))
		if err != nil {
			continue
		}
		r.receive(p, func() { conn.WriteToUDP(answer, from) })
	}
}

// receive notes a request, and answers it now or later.
func (r *slowRADIUS) receive(p *layeh.Packet, answer func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.requests[p.Authenticator]++; r.requests[p.Authenticator] == 1 {
		r.received = append(r.received, p)
	}
	if r.held[p.Code] {
		r.waiting = append(r.waiting, answer)
		return
	}
	answer()
}

// hold makes the answers to requests wait until release.
func (r *slowRADIUS) hold(code layeh.Code) { r.mu.Lock(); defer r.mu.Unlock(); r.held[code] = true }

func (r *slowRADIUS) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.held)
	for _, answer := range r.waiting {
		answer()
	}
	r.waiting = nil
}

// logins returns how many Access-Requests were received.
func (r *slowRADIUS) logins() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.received {
		if p.Code == layeh.CodeAccessRequest {
			n++
		}
	}
	return n
}

// records returns the accounting records of sessions in order, and how often the last was received.
func (r *slowRADIUS) records() (all []string, times int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.received {
		if p.Code == layeh.CodeAccountingRequest && rfc2866.AcctStatusType_Get(p) < rfc2866.AcctStatusType_Value_AccountingOn {
			all = append(all, rfc2866.AcctSessionID_GetString(p)+" "+rfc2866.AcctStatusType_Get(p).String())
			times = r.requests[p.Authenticator]
		}
	}
	return all, times
}

func (r *slowRADIUS) awaitRecord(t *testing.T, kind string, times int) {
	t.Helper()
	await(t, "a record "+kind+" was received", func() bool {
		all, n := r.records()
		return len(all) > 0 && strings.HasSuffix(all[len(all)-1], " "+kind) && n >= times
	})
}

// checkRecords checks that records are of as many sessions as given, each with start records, and one stop record at
// the end.
func (r *slowRADIUS) checkRecords(t *testing.T, sessions int) {
	t.Helper()
	all, _ := r.records()
	kinds := make(map[string]string)
	for _, one := range all {
		session, kind, _ := strings.Cut(one, " ")
		if !strings.HasSuffix(kinds[session], kind) {
			kinds[session] += kind
		}
	}
	for session, is := range kinds {
		if is != "StartStop" {
			t.Errorf("records of session %s: %s", session, is)
		}
	}
	if len(kinds) != sessions {
		t.Errorf("records of %d sessions, want %d: %q", len(kinds), sessions, all)
	}
}

// persistently are options of a client that dials again.
var persistently = []string{"persist", "maxfail", "0", "holdoff", "1"}

// TestUpgradeDuringLogin: a client whose login a RADIUS server answers a while after the successor is ready has its
// session, which goes on with the successor. One whose login takes longer is sent a PADT, and gets in at the
// successor when it dials again. At the end no record is missing, and no address is in use.
func TestUpgradeDuringLogin(t *testing.T) {
	for name, c := range map[string]struct {
		inTime bool
		dials  int
	}{"answered in time": {true, 1}, "answered too late": {false, 2}} {
		for _, device := range []string{"shared", "per-session"} {
			t.Run(name+", "+device, func(t *testing.T) {
				t.Parallel()
				w := newTestbed(t)
				r, server := w.newSlowRADIUS(t, device)
				r.hold(layeh.CodeAccessRequest)
				client := w.dial(t, persistently...)
				await(t, "the client logs in", func() bool { return r.logins() == 1 })
				told := server.upgradeWhile(t, func() {
					if c.inTime {
						r.release()
					}
				})
				if strings.Contains(told, "has taken over 1 session") != c.inTime {
					t.Errorf("the upgrade says %s", told)
				}
				r.release()
				s := w.awaitOnline(t)
				if s.Dials != c.dials || !c.inTime && s.LastEnd == nil {
					t.Errorf("the client is %+v", s)
				}
				client.Stop()
				r.awaitRecord(t, "Stop", 1)
				r.checkRecords(t, 1)
				w.wantUnused(t, server)
			})
		}
	}
}

// TestKillDuringLogin: a client whose login a RADIUS server has not answered when the server is killed is sent a PADT
// by the next start. That is no rejection of its password: it dials again at once.
func TestKillDuringLogin(t *testing.T) {
	w := newTestbed(t)
	r, server := w.newSlowRADIUS(t, "shared")
	r.hold(layeh.CodeAccessRequest)
	client := w.dial(t, persistently...)
	await(t, "the client logs in", func() bool { return r.logins() == 1 })
	kill(t, server.Program)
	server.start(t)
	check(t, server.Await("Adopted 0 sessions.* 1 are sent a PADT"))
	s := w.awaitStatus(t, "the session has ended", func(s status.Status) bool { return s.LastEnd != nil })
	if s.LastEnd.Reason != "hangup" {
		t.Errorf("the session was ended by %+v", s.LastEnd)
	}
	r.release()
	if s := w.awaitOnline(t); s.Dials != 2 {
		t.Errorf("the client is %+v", s)
	}
	client.Stop()
	r.awaitRecord(t, "Stop", 1)
	r.checkRecords(t, 1)
	w.wantUnused(t, server)
}

// wantUnused waits until a server has no session, and no address of its pool is in use.
func (w *testbed) wantUnused(t *testing.T, server *upgradable) {
	t.Helper()
	await(t, "the server has no session, and no address is in use", func() bool {
		is, _ := server.command(t, "status", "--json")
		pools, _ := server.command(t, "pools", "--json")
		all := strings.Join(strings.Fields(is+pools), "")
		return strings.Contains(all, `"sessions":0,"online":0`) && strings.Contains(all, `"used":0,`)
	})
}

// TestSuccessorAccounts: of a start record and of a stop record that no RADIUS server has answered when a server is
// upgraded, or killed, none is lost.
func TestSuccessorAccounts(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, server *upgradable){
		"upgraded": func(t *testing.T, server *upgradable) { server.upgradeWhile(t, func() {}) },
		"killed": func(t *testing.T, server *upgradable) {
			kill(t, server.Program)
			server.start(t)
		},
	} {
		for _, kind := range []string{"Start", "Stop"} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				w := newTestbed(t)
				r, server := w.newSlowRADIUS(t, "shared")
				hold := func() { r.hold(layeh.CodeAccountingRequest) }
				if kind == "Start" {
					hold()
				}
				client := w.dial(t, persistently...)
				w.awaitOnline(t)
				r.awaitRecord(t, "Start", 1)
				if kind == "Stop" {
					hold()
					client.Stop()
					r.awaitRecord(t, "Stop", 2) // so late it is in the spool
				}
				replace(t, server)
				r.release()
				if kind == "Start" {
					if s := w.awaitOnline(t); s.Dials != 1 {
						t.Errorf("the client is %+v", s)
					}
					client.Stop()
				}
				r.awaitRecord(t, "Stop", 1)
				if kind == "Stop" {
					await(t, "the successor sends the record", func() bool {
						all, _ := r.records()
						return strings.HasSuffix(all[len(all)-2], "Stop")
					})
				}
				r.checkRecords(t, 1)
				w.wantUnused(t, server)
			})
		}
	}
}
