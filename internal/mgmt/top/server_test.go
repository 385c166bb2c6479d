package top

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/status"
)

// fakeServer is a server with sessions whose traffic grows, by a clock of its own.
type fakeServer struct {
	now       time.Time
	began     time.Time
	sessions  []servercontrol.Session
	stats     servercontrol.Stats
	state     string
	err       error
	queries   []servercontrol.Query
	ended     []uint64
	endingErr error
}

var start = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func newFakeServer(n int) *fakeServer {
	f := &fakeServer{now: start, began: start.Add(-time.Hour), state: servercontrol.Serving}
	online := start.Add(-90 * time.Minute)
	for i := 1; i <= n; i++ {
		f.sessions = append(f.sessions, servercontrol.Session{
			ID: uint64(i), Attachment: "eth1.100", Interface: "eth1", VLAN: "100", SessionID: uint16(i), MAC: fmt.Sprintf("02:00:5e:00:53:%02x", i),
			User: fmt.Sprintf("user%d@example.net", i), State: "online", Device: fmt.Sprintf("pppoe%d", i), MTU: 1492, CircuitID: "olt3 xpon 0/1/0/7:" + fmt.Sprint(i),
			IPv4: &status.IPv4{Local: "192.0.2.1", Remote: fmt.Sprintf("192.0.2.%d", 10+i)}, OnlineAt: &online, RoundTrip: 1.5,
			Traffic: &servercontrol.Traffic{}, RateDown: 50_000,
		})
	}
	return f
}

func (f *fakeServer) clock() time.Time { return f.now }

func (f *fakeServer) Status() (servercontrol.Status, error) {
	return servercontrol.Status{ACName: "isp-ac", State: f.state, Since: f.began, Sessions: len(f.sessions) + 1, Online: len(f.sessions), HalfOpen: 1, MaxSessions: 65534}, f.err
}

func (f *fakeServer) Stats() (servercontrol.Stats, error) { return f.stats, nil }

func (f *fakeServer) Sessions(q servercontrol.Query, row func(*servercontrol.Session)) error {
	f.queries = append(f.queries, q)
	for _, s := range f.sessions {
		traffic := *s.Traffic
		s.Traffic = &traffic
		if s.OnlineAt != nil && s.OnlineAt.Before(q.TrafficBefore) {
			s = servercontrol.Session{ID: s.ID, State: s.State, RoundTrip: s.RoundTrip, Traffic: s.Traffic}
		}
		row(&s)
	}
	return nil
}

func (f *fakeServer) Disconnect(id uint64) error {
	f.ended = append(f.ended, id)
	return f.endingErr
}

// pass lets a time pass, in which session i sends i Mbit/s and receives twice that.
func (f *fakeServer) pass(d time.Duration) {
	f.now = f.now.Add(d)
	f.stats.Established += 25
	f.stats.Rejected += 3
	for i := range f.sessions {
		n := uint64(i+1) * 125_000 * uint64(d/time.Second)
		f.sessions[i].Traffic.ReceivedBytes += n
		f.sessions[i].Traffic.SentBytes += 2 * n
	}
}

// read reads a sample.
func read(t *testing.T, v view) {
	t.Helper()
	s, err := v.reader()()
	v.update(s, 10*time.Millisecond, err)
}

func newView(f *fakeServer) *serverView {
	return newServerView(ServerConfig{Source: f, Sort: "down", Interval: 2 * time.Second}, f.clock)
}

// TestServerScreens: whole screens of several sizes, and after keys.
func TestServerScreens(t *testing.T) {
	f := newFakeServer(20)
	f.sessions[19].User, f.sessions[18].User = "日本語@example.net", `al\033ice`
	v := newView(f)
	wantScreen(t, "server-before", v, 80, 5)
	read(t, v)
	wantScreen(t, "server-first", v, 100, 8)
	f.pass(2 * time.Second)
	read(t, v)
	wantScreen(t, "server-wide", v, 160, 12)
	wantScreen(t, "server-narrow", v, 60, 12)
	for _, size := range [][2]int{{1, 1}, {10, 2}, {0, 0}, {20, 4}} {
		if n := len(v.lines(size[0], size[1])); n > size[1] {
			t.Errorf("%d lines on a screen of %v", n, size)
		}
	}
	press(v, "down down down")
	wantScreen(t, "server-selected", v, 120, 12)
	press(v, "end")
	wantScreen(t, "server-end", v, 120, 12)
	press(v, "home enter")
	wantScreen(t, "server-details", v, 80, 20)
	press(v, "esc ?")
	wantScreen(t, "server-help", v, 80, 20)
	press(v, "esc / U S E R 1 1")
	wantScreen(t, "server-filter", v, 120, 8)
	press(v, "enter d")
	wantScreen(t, "server-confirm", v, 120, 8)
	if a := press(v, "n"); a.do != nil || v.message != "not disconnected" {
		t.Errorf("after n: %+v, %q", a, v.message)
	}
	press(v, "esc p left r")
	f.state = servercontrol.Draining
	wantScreen(t, "server-paused", v, 120, 8)
	press(v, "p")
	f.err = errors.New("no pppoe-server is running")
	read(t, v)
	wantScreen(t, "server-error", v, 120, 8)
}

// TestServerPlain: a table for a reader that is no terminal.
func TestServerPlain(t *testing.T) {
	f := newFakeServer(3)
	v := newView(f)
	v.cfg.Rows = 2
	var b strings.Builder
	err := writePlain(&b, v, 0, 2, func(d time.Duration) {
		if d != time.Second && d != 2*time.Second {
			t.Errorf("paused for %v", d)
		}
		f.pass(d)
	})
	if err != nil {
		t.Error(err)
	}
	wantText(t, "server-plain", b.String())
	f.err = errors.New("gone")
	if err := writePlain(&b, v, 0, 1, f.pass); err == nil {
		t.Error("a server that does not answer is no error")
	}
}

// TestDisconnect: what is asked about is disconnected, whatever is selected meanwhile.
func TestDisconnect(t *testing.T) {
	f := newFakeServer(3)
	v := newView(f)
	read(t, v)
	press(v, "down d")
	target := v.target
	v.selected = 2
	a := press(v, "y")
	if a.do == nil {
		t.Fatal("nothing is done")
	}
	text, err := a.do()
	v.done(text, err)
	if len(f.ended) != 1 || f.ended[0] != target || v.message != fmt.Sprintf("session %d disconnected", target) {
		t.Errorf("disconnected %v, want %d: %q", f.ended, target, v.message)
	}
	v.done("", errors.New("no session matches"))
	if v.message != "not disconnected: no session matches" {
		t.Error(v.message)
	}
}

// TestSelectionFollowsSession: the selected session stays selected when the order changes, and none is
// when it ends.
func TestSelectionFollowsSession(t *testing.T) {
	f := newFakeServer(5)
	v := newView(f)
	read(t, v)
	press(v, "down")
	id := v.selected
	f.pass(2 * time.Second)
	read(t, v)
	if v.selected != id || v.row() != len(v.shown)-1 {
		t.Errorf("session %d in row %d is selected, want %d in the last", v.selected, v.row(), id)
	}
	f.sessions = f.sessions[1:]
	read(t, v)
	if v.selected != 0 {
		t.Errorf("session %d is selected", v.selected)
	}
}

// TestReadsTraffic: of sessions that were online at the last read only the traffic is read, everything
// after a while or from another run of the server.
func TestReadsTraffic(t *testing.T) {
	f := newFakeServer(2)
	v := newView(f)
	read(t, v)
	for range 14 {
		f.pass(2 * time.Second)
		read(t, v)
	}
	if q := f.queries[0]; !q.TrafficBefore.IsZero() {
		t.Errorf("the first query is %+v", q)
	}
	for i, q := range f.queries[1:] {
		if want := start.Add(time.Duration(i) * 2 * time.Second); !q.TrafficBefore.Equal(want) {
			t.Errorf("query %d: %v, want %v", i+1, q.TrafficBefore, want)
		}
	}
	if s := v.all[1]; s.User != "user1@example.net" || s.Traffic.SentBytes == 0 || *s.BitsDown != 2_000_000 || s.Seconds != 5428 {
		t.Errorf("%+v", s)
	}
	f.pass(2 * time.Second)
	read(t, v)
	f.began = f.now
	read(t, v)
	for _, q := range f.queries[len(f.queries)-2:] {
		if !q.TrafficBefore.IsZero() {
			t.Errorf("%+v, want everything", q)
		}
	}
	if s := v.all[1]; s.BitsDown != nil {
		t.Errorf("a rate from the traffic of two runs: %d", *s.BitsDown)
	}
}

// TestSlowReading: the interval is longer if reading is slow.
func TestSlowReading(t *testing.T) {
	v := newView(newFakeServer(1))
	for took, want := range map[time.Duration]time.Duration{0: 2 * time.Second, 100 * time.Millisecond: 2 * time.Second, time.Second: 20 * time.Second} {
		if v.took = took; v.pause() != want {
			t.Errorf("reading takes %v: pause %v, want %v", took, v.pause(), want)
		}
	}
	if press(v, "p"); v.pause() >= 0 {
		t.Error("reads while paused")
	}
	if a := press(v, "p"); !a.read {
		t.Error("does not read after the pause")
	}
}
