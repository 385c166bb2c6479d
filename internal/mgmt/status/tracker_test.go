package status

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// TestStates: the states from the first dial to the end.
func TestStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := tracker()
		began := time.Now()
		padi := pppoe.DiscoverySent{Packet: wire.DiscoveryFrame{Discovery: wire.Discovery{Code: wire.PADI}}}
		padt := pppoe.DiscoverySent{Packet: wire.DiscoveryFrame{Discovery: wire.Discovery{Code: wire.PADT}}}
		for i, step := range []struct {
			event pppoe.Event
			state State
			since time.Duration // in seconds
			more  string        // of the status, as text
		}{
			{pppoe.AwaitingTraffic{}, Waiting, 0, "for traffic"},
			{pppoe.AwaitingInterface{}, Waiting, 0, "for interface"},
			{padi, Dialling, 2, ""},
			{pppoe.SessionEstablished{}, Dialling, 2, "session 7"},
			{pppoe.DeviceOpened{Name: "ppp0"}, Dialling, 2, "session 7 ppp0"},
			{pppoe.Configured{Addressing: addr}, Online, 5, "session 7 ppp0 IPv4 IPv6"},
			{pppoe.NetworkLost{Protocol: ppp.IPCP}, Online, 5, "session 7 ppp0 IPv6"},
			{pppoe.NetworkLost{Protocol: ppp.IPv6CP}, Online, 5, "session 7 ppp0"},
			{padt, Online, 5, "session 7 ppp0"},
			{pppoe.Ended{Reason: session.Reason{Cause: session.CauseHangUp}}, Closing, 9, "ended hangup"},
			{pppoe.AwaitingRedial{Delay: time.Second, Err: refused}, Waiting, 10, "for hold-off ended not-authenticated"},
			{padi, Dialling, 11, "ended not-authenticated"},
			{pppoe.InterfaceChanged{State: pppoe.InterfaceGone}, Dialling, 11, "ended not-authenticated"},
		} {
			tr.Notify(info, step.event)
			s := tr.Status()
			if s.State != step.state || s.Since.Sub(began) != step.since*time.Second || words(s) != step.more {
				t.Errorf("%d: after %T it is %s since %v, %q; want %s since %v s, %q", i, step.event, s.State, s.Since.Sub(began), words(s), step.state, int(step.since), step.more)
			}
			time.Sleep(time.Second)
		}
		if s := tr.Status(); s.Carrier != "gone" || s.Dials != 1 || s.OnlineAt != nil || s.PID != 42 {
			t.Errorf("in the end: %+v", s)
		}
		e := tr.Exit(nil)
		if e.Event != "exit" || e.End != nil || e.Attachment != "eth0.50" || tr.Status().State != Ended {
			t.Errorf("exit: %+v, and it is %s", e, tr.Status().State)
		}
		if e := tr.Exit(errors.New("some\nthing")); e.End.Reason != "error" || e.End.Text != `some\012thing` || e.End.ExitCode != 8 {
			t.Errorf("exit: %+v", e.End)
		}
	})
}

// words are the fields of a status besides its state.
func words(s Status) string {
	var b []string
	if s.WaitingFor != "" {
		b = append(b, "for "+s.WaitingFor)
	}
	if s.SessionID != 0 {
		b = append(b, fmt.Sprintf("session %d", s.SessionID))
	}
	if s.Device != "" {
		b = append(b, s.Device)
	}
	if s.IPv4 != nil {
		b = append(b, "IPv4")
	}
	if s.IPv6 != nil {
		b = append(b, "IPv6")
	}
	if s.LastEnd != nil {
		b = append(b, "ended "+s.LastEnd.Reason)
	}
	return strings.Join(b, " ")
}

// TestAdopted: a session that an earlier client has begun is online since then, and was not dialled.
func TestAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := tracker()
		device := info
		device.Device = "ppp0"
		e := tr.Notify(device, pppoe.Adopted{Addressing: addr, Uptime: time.Hour})
		if s := tr.Status(); words(s) != "session 7 ppp0 IPv4 IPv6" || s.State != Online || s.Dials != 0 || !s.OnlineAt.Equal(time.Now().Add(-time.Hour)) {
			t.Errorf("it is %+v", s)
		}
		if e.Event != "online" || e.IPv4 == nil {
			t.Errorf("event %+v", e)
		}
		if e := tr.Notify(device, pppoe.Continued{}); e.Event != "continued" || e.SessionID != 7 {
			t.Errorf("event %+v", e)
		}
	})
}

// TestOnlineSince: more addresses do not change the time; another session does.
func TestOnlineSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := tracker()
		began := time.Now()
		online := func(want time.Duration) {
			t.Helper()
			if at := tr.Status().OnlineAt; at == nil || at.Sub(began) != want {
				t.Errorf("online since %v, want %v", at, began.Add(want))
			}
			time.Sleep(time.Second)
		}
		tr.Notify(info, pppoe.Configured{Addressing: pppoe.Addressing{IPv6: addr.IPv6}})
		online(0)
		tr.Notify(info, pppoe.Configured{Addressing: addr})
		online(0)
		tr.Notify(info, pppoe.Ended{})
		tr.Notify(info, pppoe.Configured{Addressing: addr})
		online(2 * time.Second)
	})
}

// TestIPv6: what Router Advertisements and DHCPv6 configure comes later, and is gone with the
// session.
func TestIPv6(t *testing.T) {
	tr := tracker()
	if e := tr.IPv6(info, []string{"2001:db8::1/64"}, nil, nil, Services{}); e != nil || tr.Status().IPv6 != nil {
		t.Errorf("without a session: %+v", e)
	}
	tr.Notify(info, pppoe.Configured{Addressing: addr})
	link := tr.Status()
	e := tr.IPv6(info, []string{"2001:db8::1/64"}, []string{"2001:db8:1::/56"}, []string{"2001:db8::53"},
		Services{AFTR: "aftr.example", NTP: []string{"2001:db8::7"}, SNTP: []string{"2001:db8::8"}, MAPE: []string{"e"}, MAPT: []string{"t"}, LW4o6: []string{"l"}, FourRD: "4d"})
	e.Time = time.Time{}
	text, err := json.Marshal(e)
	const want = `{"time":"0001-01-01T00:00:00Z","event":"ipv6","line":"eth0.50","device":"ppp0",` +
		`"ipv6":{"local":"fe80::1","remote":"fe80::2","addresses":["2001:db8::1/64"],"delegated":["2001:db8:1::/56"],"dns":["2001:db8::53"],` +
		`"aftr":"aftr.example","ntp":["2001:db8::7"],"sntp":["2001:db8::8"],"map_e":["e"],"map_t":["t"],"lw4o6":["l"],"4rd":"4d"}}`
	if err != nil || string(text) != want {
		t.Errorf("%s, %v; want %s", text, err, want)
	}
	if len(link.IPv6.Addresses) > 0 || len(tr.Status().IPv6.Addresses) != 1 {
		t.Error("a status that was taken before has changed, or the new one has not")
	}
	tr.Notify(info, pppoe.NetworkLost{Protocol: ppp.IPv6CP})
	if s := tr.Status(); s.IPv6 != nil {
		t.Errorf("IPv6 is lost, and there is %+v", s.IPv6)
	}
}

// TestFieldsOfSession: the status of a session from its PADS to its end.
func TestFieldsOfSession(t *testing.T) {
	tr := tracker()
	for dials := 1; dials <= 2; dials++ {
		tr.Notify(info, pppoe.SessionEstablished{})
		tr.Notify(info, pppoe.DeviceOpened{Name: "ppp0"})
		tr.Notify(info, pppoe.Offloaded{Description: "receive in TC"})
		tr.Notify(info, pppoe.Configured{Addressing: addr})
		s := tr.Status()
		if s.Dials != dials || s.SessionID != 7 || s.AC != "02:00:5e:00:53:01" || s.ACName != `ac\0121` || s.Service != `in\033ternet` || s.Device != "ppp0" || s.MTU != 1492 || s.DataPath != "kernel: receive in TC" {
			t.Errorf("while it is open: %+v", s)
		}
		if s.IPv4 == nil || s.IPv4.Local != "192.0.2.10" || s.IPv4.Remote != "192.0.2.1" || !slices.Equal(s.IPv4.DNS, []string{"192.0.2.53"}) {
			t.Errorf("its IPv4: %+v", s.IPv4)
		}
		tr.Notify(info, pppoe.Ended{Reason: session.Reason{Cause: session.CausePeerDead, Text: "si\x00lent"}})
		s = tr.Status()
		if s.SessionID != 0 || s.Device != "" || s.MTU != 0 || s.IPv4 != nil || s.IPv6 != nil || s.OnlineAt != nil || s.DataPath != "" {
			t.Errorf("after its end: %+v", s)
		}
		if s.LastEnd == nil || *s.LastEnd != (End{Reason: "peer-dead", Text: `si\000lent`, ExitCode: 19}) {
			t.Errorf("its end: %+v", s.LastEnd)
		}
		if s.AC != "02:00:5e:00:53:01" || s.ACName != `ac\0121` {
			t.Errorf("the concentrator is %q, %q", s.AC, s.ACName)
		}
	}
	tr.Notify(info, pppoe.NotOffloaded{Err: errors.New("full")})
	if s := tr.Status(); s.DataPath != "user space: full" {
		t.Errorf("the data path is %q", s.DataPath)
	}
}

// TestIPv6Kept: what was configured stays while the link-local address is the same.
func TestIPv6Kept(t *testing.T) {
	for _, c := range []struct {
		local ipv6cp.ID
		want  int // addresses
	}{{addr.IPv6.Local, 1}, {ipv6cp.ID{7: 9}, 0}} {
		tr := tracker()
		tr.Notify(info, pppoe.Configured{Addressing: addr})
		tr.IPv6(info, []string{"2001:db8::1/64"}, nil, nil, Services{})
		again := addr
		again.IPv6.Local = c.local
		e := tr.Notify(info, pppoe.Configured{Addressing: again})
		if got := tr.Status().IPv6; len(got.Addresses) != c.want || got.Local != c.local.LinkLocal().String() || e.IPv6 != got {
			t.Errorf("as %v: %+v, want %d addresses", c.local, got, c.want)
		}
	}
}
