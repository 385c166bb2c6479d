package status

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// TestMissed: the event that stands for dropped ones.
func TestMissed(t *testing.T) {
	if e := Missed(7); e.Event != "missed" || e.Missed != 7 || e.Time.IsZero() {
		t.Errorf("%+v", e)
	}
	if tracker().EndOf(nil) != nil {
		t.Error("no error is an end")
	}
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
		{pppoe.Ended{Reason: session.Reason{Cause: session.CausePeerDead, Text: "si\x00lent"}, Counters: counters, Uptime: 1500 * time.Millisecond},
			`"event":"ended","seconds":1.5,` + traffic + `,"end":{"reason":"peer-dead","text":"si\\000lent","exit_code":19}`},
		{pppoe.AwaitingRedial{Delay: 30 * time.Second, Err: refused}, `"event":"waiting","for":"hold-off","seconds":30,"end":{"reason":"not-authenticated","text":"session ended: not-authenticated","exit_code":19}`},
		{pppoe.AwaitingRedial{Delay: time.Second, Err: fmt.Errorf("%w: nobody", pppoe.ErrDiscovery)},
			`"event":"waiting","for":"hold-off","seconds":1,"end":{"reason":"discovery-failed","text":"Unable to complete PPPoE Discovery: nobody","exit_code":8}`},
		{pppoe.AwaitingInterface{}, `"event":"waiting","for":"interface"`},
		{pppoe.AwaitingTraffic{}, `"event":"waiting","for":"traffic"`},
		{pppoe.InterfaceChanged{State: pppoe.InterfaceNoCarrier}, `"event":"interface","text":"without carrier"`},
		{pppoe.Rejected{Rejection: discovery.Rejection{AC: ac, Error: wire.Error{Text: "full\r"}}}, `"event":"refused","ac":"02:00:5e:00:53:01","text":"full\\015"`},
		{pppoe.AdoptionFailed{SessionID: 6, AC: ac, Err: refused}, `"event":"not-adopted","session_id":6,"ac":"02:00:5e:00:53:01","text":"session ended: not-authenticated"`},
		{pppoe.StaleTerminated{StaleSession: pppoe.StaleSession{SessionID: 6, AC: ac}}, `"event":"stale-ended","session_id":6,"ac":"02:00:5e:00:53:01"`},
		{announced, `"event":"announced","ac":"02:00:5e:00:53:01","text":"[motm down\\012at 5]"`},
		{pppoe.Offloaded{Description: "receive in TC"}, `"event":"data-path","text":"kernel: receive in TC"`},
		{pppoe.NotOffloaded{Err: errors.New("no rights")}, `"event":"data-path","text":"user space: no rights"`},
		{pppoe.HostNetworkFailed{Err: errors.New("no device")}, `"event":"host-failed","text":"no device"`},
		{session.EchoTimeout{Requests: 3}, `"event":"silent","requests":3`},
		{session.PeerClosed{Text: "bye\n"}, `"event":"peer-closed","text":"bye\\012"`},
	} {
		e := tracker().Notify(info, c.event)
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
		if e := tracker().Notify(info, unreported); e != nil {
			t.Errorf("%T is reported: %+v", unreported, e)
		}
	}
}

func tracker() *Tracker {
	return NewTracker(Status{PID: 42, Call: "isp", Link: "wan", Attachment: "eth0.50"}, func(err error) int {
		if errors.As(err, new(*pppoe.EndError)) {
			return 19
		}
		return 8
	})
}
