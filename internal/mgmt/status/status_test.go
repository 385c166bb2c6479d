package status

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

var (
	ac         = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}
	attachment = pppoe.SessionInfo{Interface: "eth0", SessionID: 7, Peer: ac, ACName: "ac\n1", Service: "in\x1bternet", Device: "ppp0"}
	addr       = pppoe.Addressing{
		MTU: 1492,
		IPv4: ipcp.Agreement{
			Local: netip.MustParseAddr("192.0.2.10"), Remote: netip.MustParseAddr("192.0.2.1"),
			DNS: [2]netip.Addr{1: netip.MustParseAddr("192.0.2.53")},
		},
		IPv6: ipv6cp.Agreement{Local: ipv6cp.ID{7: 1}, Remote: ipv6cp.ID{7: 2}},
	}
	counters = datapath.Counters{SentPackets: 1, SentBytes: 2, ReceivedPackets: 3, ReceivedBytes: 4, Dropped: 5}
	refused  = &pppoe.EndError{Reason: session.Reason{Cause: session.NotAuthenticated}}
)

func tracker() *Tracker {
	return NewTracker(Status{PID: 42, Call: "isp", Link: "wan", Attachment: "eth0.50"}, func(err error) int {
		if errors.As(err, new(*pppoe.EndError)) {
			return 19
		}
		return 8
	})
}

// TestEvents: every event as its line of JSON, in which untrusted text is escaped.
func TestEvents(t *testing.T) {
	const traffic = `"traffic":{"sent_packets":1,"sent_bytes":2,"received_packets":3,"received_bytes":4,"dropped":5}`
	only6 := pppoe.Addressing{MTU: 1400, IPv6: addr.IPv6}
	announced := pppoe.Announced{Packet: wire.DiscoveryFrame{Discovery: wire.Discovery{Code: wire.PADM, Tags: wire.Tags(nil).Append(wire.TagMOTM, []byte("down\nat 5"))}}}
	for _, c := range []struct {
		event pppoe.Event
		want  string // besides time, line and device
	}{
		{pppoe.SessionEstablished{}, `"event":"session","session_id":7,"ac":"02:00:5e:00:53:01","ac_name":"ac\\0121"`},
		{pppoe.DeviceOpened{Name: "ppp0"}, `"event":"device"`},
		{session.Authenticated{Method: ppp.Method(chap.MD5), Message: "wel\x07come"}, `"event":"authenticated","method":"CHAP","text":"wel\\007come"`},
		{session.Authenticated{Method: ppp.Method(chap.MD5), Peer: true}, `"event":"authenticated","method":"CHAP","peer":true`},
		{session.AuthFailed{Method: ppp.Method(chap.MD5), Message: "no\n"}, `"event":"auth-failed","method":"CHAP","text":"no\\012"`},
		{pppoe.Configured{Addressing: addr}, `"event":"online","mtu":1492,"ipv4":{"local":"192.0.2.10","remote":"192.0.2.1","dns":["192.0.2.53"]},"ipv6":{"local":"fe80::1","remote":"fe80::2"}`},
		{pppoe.Configured{Addressing: only6}, `"event":"online","mtu":1400,"ipv6":{"local":"fe80::1","remote":"fe80::2"}`},
		{pppoe.NetworkLost{Protocol: ppp.IPCP, Counters: counters}, `"event":"network-lost","protocol":"IPCP",` + traffic},
		{pppoe.Ended{Reason: session.Reason{Cause: session.PeerDead, Text: "si\x00lent"}, Counters: counters, Uptime: 1500 * time.Millisecond},
			`"event":"ended","seconds":1.5,` + traffic + `,"end":{"reason":"peer-dead","text":"si\\000lent","exit_code":19}`},
		{pppoe.AwaitingRedial{Delay: 30 * time.Second, Err: refused}, `"event":"waiting","for":"hold-off","seconds":30,"end":{"reason":"not-authenticated","text":"session ended: not-authenticated","exit_code":19}`},
		{pppoe.AwaitingRedial{Delay: time.Second, Err: fmt.Errorf("%w: nobody", pppoe.ErrDiscovery)},
			`"event":"waiting","for":"hold-off","seconds":1,"end":{"reason":"discovery-failed","text":"Unable to complete PPPoE Discovery: nobody","exit_code":8}`},
		{pppoe.AwaitingLink{}, `"event":"waiting","for":"interface"`},
		{pppoe.AwaitingTraffic{}, `"event":"waiting","for":"traffic"`},
		{pppoe.LinkChanged{State: pppoe.LinkNoCarrier}, `"event":"interface","text":"without carrier"`},
		{pppoe.Rejected{Rejection: discovery.Rejection{AC: ac, Error: wire.Error{Text: "full\r"}}}, `"event":"refused","ac":"02:00:5e:00:53:01","text":"full\\015"`},
		{pppoe.StaleTerminated{StaleSession: pppoe.StaleSession{SessionID: 6, AC: ac}}, `"event":"stale-ended","session_id":6,"ac":"02:00:5e:00:53:01"`},
		{announced, `"event":"announced","ac":"02:00:5e:00:53:01","text":"[motm down\\012at 5]"`},
		{pppoe.Offloaded{Description: "receive in TC"}, `"event":"data-path","text":"kernel: receive in TC"`},
		{pppoe.NotOffloaded{Err: errors.New("no rights")}, `"event":"data-path","text":"user space: no rights"`},
		{pppoe.HostNetworkFailed{Err: errors.New("no device")}, `"event":"host-failed","text":"no device"`},
		{session.EchoTimeout{Requests: 3}, `"event":"silent","requests":3`},
		{session.PeerClosed{Text: "bye\n"}, `"event":"peer-closed","text":"bye\\012"`},
	} {
		e := tracker().Notify(attachment, c.event)
		if e == nil {
			t.Errorf("%T is not reported", c.event)
			continue
		}
		text, err := json.Marshal(e)
		got := string(text)
		head, rest, _ := strings.Cut(got, `,`)
		if err != nil || !strings.HasPrefix(head, `{"time":"20`) || e.Time.IsZero() {
			t.Errorf("%T: %s, %v", c.event, got, err)
		}
		name, more, _ := strings.Cut(c.want, ",")
		want := name + `,"line":"eth0.50","device":"ppp0"`
		if more != "" {
			want += "," + more
		}
		if rest != want+"}" {
			t.Errorf("%T:\n%s, want\n%s", c.event, rest, want)
		}
	}
	for _, unreported := range []pppoe.Event{session.NetworkPhase{}, pppoe.FrameSent{}, pppoe.DiscoverySent{}, pppoe.Connected{}} {
		if e := tracker().Notify(attachment, unreported); e != nil {
			t.Errorf("%T is reported: %+v", unreported, e)
		}
	}
}

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
			{pppoe.AwaitingLink{}, Waiting, 0, "for interface"},
			{padi, Dialling, 2, ""},
			{pppoe.SessionEstablished{}, Dialling, 2, "session 7"},
			{pppoe.DeviceOpened{Name: "ppp0"}, Dialling, 2, "session 7 ppp0"},
			{pppoe.Configured{Addressing: addr}, Online, 5, "session 7 ppp0 IPv4 IPv6"},
			{pppoe.NetworkLost{Protocol: ppp.IPCP}, Online, 5, "session 7 ppp0 IPv6"},
			{pppoe.NetworkLost{Protocol: ppp.IPv6CP}, Online, 5, "session 7 ppp0"},
			{padt, Online, 5, "session 7 ppp0"},
			{pppoe.Ended{Reason: session.Reason{Cause: session.HangUp}}, Closing, 9, "ended hangup"},
			{pppoe.AwaitingRedial{Delay: time.Second, Err: refused}, Waiting, 10, "for hold-off ended not-authenticated"},
			{padi, Dialling, 11, "ended not-authenticated"},
			{pppoe.LinkChanged{State: pppoe.LinkGone}, Dialling, 11, "ended not-authenticated"},
		} {
			tr.Notify(attachment, step.event)
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
		tr.Notify(attachment, pppoe.Configured{Addressing: pppoe.Addressing{IPv6: addr.IPv6}})
		online(0)
		tr.Notify(attachment, pppoe.Configured{Addressing: addr})
		online(0)
		tr.Notify(attachment, pppoe.Ended{})
		tr.Notify(attachment, pppoe.Configured{Addressing: addr})
		online(2 * time.Second)
	})
}

// TestIPv6: what Router Advertisements and DHCPv6 configure comes later, and is gone with the
// session.
func TestIPv6(t *testing.T) {
	tr := tracker()
	if e := tr.IPv6(attachment, []string{"2001:db8::1/64"}, nil, nil, Services{}); e != nil || tr.Status().IPv6 != nil {
		t.Errorf("without a session: %+v", e)
	}
	tr.Notify(attachment, pppoe.Configured{Addressing: addr})
	link := tr.Status()
	e := tr.IPv6(attachment, []string{"2001:db8::1/64"}, []string{"2001:db8:1::/56"}, []string{"2001:db8::53"},
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
	tr.Notify(attachment, pppoe.NetworkLost{Protocol: ppp.IPv6CP})
	if s := tr.Status(); s.IPv6 != nil {
		t.Errorf("IPv6 is lost, and there is %+v", s.IPv6)
	}
}

// TestText: the status as text.
func TestText(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		is   Status
		want string
	}{
		{Status{PID: 42, Attachment: "eth0.50", State: Dialling, Since: at}, "eth0.50: dialling since 2026-01-02 03:04:05 (process 42)\n  interface eth0.50\n"},
		{Status{
			PID: 42, Call: "isp", Attachment: "eth0", State: Online, Since: at, Carrier: "up", Device: "ppp0", SessionID: 7, AC: ac.String(), ACName: "ac1", MTU: 1492, DataPath: "kernel: receive in TC",
			IPv4: &IPv4{Local: "192.0.2.10", Remote: "192.0.2.1", DNS: []string{"192.0.2.53", "192.0.2.54"}}, IPv6: &IPv6{Local: "fe80::1", Remote: "fe80::2"},
			Traffic: TrafficOf(counters),
		}, `isp: online since 2026-01-02 03:04:05 (process 42)
  interface eth0 (up)
  session   7 at 02:00:5e:00:53:01 (ac1)
  device    ppp0, MTU 1492
  packets   kernel: receive in TC
  IPv4      192.0.2.10, peer 192.0.2.1
  DNS       192.0.2.53, 192.0.2.54
  IPv6      fe80::1, peer fe80::2
  traffic   sent 1 packets, 2 octets; received 3, 4
`},
		{Status{PID: 42, Call: "isp", Attachment: "eth0", State: Waiting, WaitingFor: "hold-off", Since: at, Device: "ppp0", LastEnd: &End{Reason: "hangup", Text: "PADT"}},
			"isp: waiting for hold-off since 2026-01-02 03:04:05 (process 42)\n  interface eth0\n  device    ppp0\n  last end  hangup: PADT\n"},
	} {
		var b strings.Builder
		if n, err := c.is.WriteTo(&b); b.String() != c.want || int(n) != b.Len() || err != nil {
			t.Errorf("%d octets, %v:\n%s\nwant:\n%s", n, err, b.String(), c.want)
		}
	}
}
