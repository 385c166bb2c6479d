package servercontrol

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// TestEvents: every event that is reported, with its session; what the peer sent is escaped.
func TestEvents(t *testing.T) {
	all := sessions().all
	info, addressing := all[0].SessionInfo, all[0].Addressing
	const of = `"line":"eth1.100","device":"ppp1","session_id":1`
	const who = `"id":1,"mac":"02:00:00:00:00:01","user":"al\\033ice","circuit_id":"dslam1 1/2","remote_id":"r\\033"`
	const traffic = `"traffic":{"sent_packets":1,"sent_bytes":2,"received_packets":3,"received_bytes":4,"dropped":5}`
	counters := datapath.Counters{SentPackets: 1, SentBytes: 2, ReceivedPackets: 3, ReceivedBytes: 4, Dropped: 5}
	for _, c := range []struct {
		event pppoe.Event
		kind  string
		rest  string
	}{
		{pppoe.SessionEstablished{}, "session", ""},
		{session.Authenticated{Method: ppp.Method(chap.MD5), Peer: true}, "authenticated", `,"method":"CHAP","peer":true`},
		{session.AuthFailed{Method: ppp.Method(chap.MD5), Peer: true, Name: "x\n"}, "auth-failed", `,"method":"CHAP","peer":true,"text":"x\\012"`},
		{pppoe.Adopted{Addressing: addressing, Uptime: time.Minute, Counters: counters}, "adopted", `,"mtu":1492,"ipv4":{"local":"192.0.2.1","remote":"192.0.2.10"},"seconds":60,` + traffic},
		{pppoe.Configured{Addressing: addressing}, "online", `,"mtu":1492,"ipv4":{"local":"192.0.2.1","remote":"192.0.2.10"}`},
		{pppoe.NetworkLost{Protocol: ppp.IPCP, Counters: counters}, "network-lost", `,"protocol":"IPCP",` + traffic},
		{session.EchoTimeout{Requests: 3}, "silent", `,"requests":3`},
		{session.PeerClosed{Text: "\x07"}, "peer-closed", `,"text":"\\007"`},
		{pppoe.AddressTakenOver{Addr: addressing.IPv4.Remote}, "replaced", `,"text":"192.0.2.10"`},
		{pppoe.AddressInUse{Addr: addressing.IPv4.Remote}, "address-in-use", `,"text":"192.0.2.10"`},
		{pppoe.HostNetworkFailed{Err: errors.New("no")}, "host-failed", `,"text":"no"`},
		{pppoe.Ended{Reason: session.Reason{Cause: session.CauseHangUp, Text: "\x00"}, Uptime: 1500 * time.Millisecond, Counters: counters}, "ended",
			`,"seconds":1.5,` + traffic + `,"end":{"reason":"hangup","text":"\\000","exit_code":0}`},
	} {
		got := string(EventLine(info, c.event))
		_, got, _ = strings.Cut(got, `,"event":`)
		if want := `"` + c.kind + `",` + of + c.rest + `,` + who + "}\n"; got != want {
			t.Errorf("%T is\n%swant\n%s", c.event, got, want)
		}
	}
	for _, e := range []pppoe.Event{pppoe.DiscoverySent{}, pppoe.FrameReceived{}, session.Closed{}, session.LinkUp{}} {
		if line := EventLine(info, e); line != nil {
			t.Errorf("%T is reported: %s", e, line)
		}
	}
	for _, c := range []struct {
		event pppoe.Event
		want  string
	}{
		{pppoe.NoFreeSlots{Reason: pppoe.ErrDraining, Suppressed: 2}, `"event":"refused","line":"eth1","text":"pppoe: the server drains: it opens no sessions","missed":2`},
		{pppoe.ListenerLost{Err: errors.New("gone")}, `"event":"interface","line":"eth1","text":"lost: gone"`},
		{pppoe.ListenerRestored{Addr: wire.Addr{2}}, `"event":"interface","line":"eth1","text":"restored"`},
	} {
		got := EventLine(pppoe.SessionInfo{Interface: "eth1"}, c.event)
		if !json.Valid(got) || !strings.Contains(string(got), c.want) {
			t.Errorf("%T is %s", c.event, got)
		}
	}
	if got := string((&Program{}).DroppedEvents(3)); !strings.Contains(got, `"event":"missed","missed":3`) {
		t.Errorf("dropped ones are %s", got)
	}
}
