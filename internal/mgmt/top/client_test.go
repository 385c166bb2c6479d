package top

import (
	"errors"
	"strings"
	"testing"
	"time"

	"upppoe/internal/mgmt/status"
)

// fakeClients are clients whose traffic grows, by a clock of their own.
type fakeClients struct {
	now time.Time
	all []status.Status
	err error
}

func (f *fakeClients) clock() time.Time { return f.now }

func (f *fakeClients) Clients() ([]status.Status, error) { return f.all, f.err }

func (f *fakeClients) RecentEvents(pid int) ([]status.Event, error) {
	return []status.Event{
		{Time: start.Add(-time.Hour), Event: "authenticated", Attachment: "eth0", Method: "CHAP"},
		{Time: start.Add(-time.Hour), Event: "online", Attachment: "eth0", IPv4: &status.IPv4{Local: "192.0.2.10", Remote: "192.0.2.1"}},
		{Time: start, Event: "ended", End: &status.End{Reason: "hangup", Text: `\033`}, Traffic: &status.Traffic{ReceivedBytes: 2000}, Seconds: 3600},
	}, nil
}

func (f *fakeClients) pass(d time.Duration, received uint64) {
	f.now = f.now.Add(d)
	for i := range f.all {
		if t := f.all[i].Traffic; t != nil {
			grown := *t
			grown.ReceivedBytes += received
			grown.SentBytes += received / 10
			f.all[i].Traffic = &grown
		}
	}
}

func onlineClient() status.Status {
	at := start.Add(-time.Hour)
	return status.Status{
		PID: 71, Call: "isp", Attachment: "eth0", State: status.Online, Since: at, Carrier: "up", Device: "ppp0", SessionID: 1, AC: "02:00:5e:00:53:01",
		ACName: "isp-ac", MTU: 1492, DataPath: "kernel: receive in XDP", IPv4: &status.IPv4{Local: "192.0.2.10", Remote: "192.0.2.1"},
		Traffic: &status.Traffic{}, OnlineAt: &at, RoundTrip: 4.2, Echoes: &status.Echoes{Sent: 200, Lost: 3},
	}
}

func waitingClient() status.Status {
	redial := start.Add(90 * time.Second)
	return status.Status{
		PID: 72, Call: "backup", Attachment: "eth1", State: status.Waiting, Since: start, WaitingFor: "hold-off", RedialAt: &redial,
		LastEnd: &status.End{Reason: "auth-failed", Text: "authentication failed"},
	}
}

// TestClientScreens: one client while it is online, then while it is not.
func TestClientScreens(t *testing.T) {
	f := &fakeClients{now: start, all: []status.Status{onlineClient()}}
	v := newClientView(ClientConfig{Source: f, Interval: time.Second}, f.clock)
	wantScreen(t, "client-before", v, 80, 5)
	read(t, v)
	for i := range 70 {
		f.pass(time.Second, uint64(i%10)*125_000)
		read(t, v)
	}
	wantScreen(t, "client-online", v, 100, 24)
	press(v, "end")
	wantScreen(t, "client-scrolled", v, 60, 8)
	press(v, "home ?")
	wantScreen(t, "client-help", v, 80, 14)
	press(v, "esc")
	f.now, f.all[0] = start, waitingClient()
	read(t, v)
	wantScreen(t, "client-waiting", v, 80, 16)
	f.all = nil
	read(t, v)
	wantScreen(t, "client-none", v, 80, 4)
	f.err = errors.New("permission denied")
	read(t, v)
	wantScreen(t, "client-error", v, 80, 4)
}

// TestClientList: one of several clients is chosen from a list.
func TestClientList(t *testing.T) {
	f := &fakeClients{now: start, all: []status.Status{onlineClient(), waitingClient()}}
	v := newClientView(ClientConfig{Source: f, Interval: time.Second}, f.clock)
	read(t, v)
	f.pass(time.Second, 125_000)
	read(t, v)
	wantScreen(t, "clients", v, 100, 6)
	if a := press(v, "down enter"); !a.read || v.chosen != 71 {
		t.Errorf("client %d is shown, %+v", v.chosen, a)
	}
	read(t, v)
	if len(v.events) == 0 || !strings.HasPrefix(v.lines(80, 24)[0].Text, "isp: online") {
		t.Errorf("shows %v", v.lines(80, 24))
	}
	press(v, "esc up")
	if v.chosen != 0 || v.selected != 72 {
		t.Errorf("client %d is selected in the list", v.selected)
	}
	var b strings.Builder
	if err := writePlain(&b, v, 0, 1, func(d time.Duration) { f.pass(d, 125_000) }); err != nil {
		t.Error(err)
	}
	wantText(t, "clients-plain", b.String())
	if !press(v, "q").quit || !press(v, "ctrl+c").quit {
		t.Error("q and Ctrl-C do not quit")
	}
}
