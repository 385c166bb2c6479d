package pppdlog

import (
	"errors"
	"testing"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// TestInterfaceLines: lines about interfaces, stale sessions and dropped packets. Scripts look for
// pppd's.
func TestInterfaceLines(t *testing.T) {
	said := wire.Discovery{Code: wire.PADM, Tags: wire.Tags(nil).Append(wire.TagMOTM, []byte("down\nat 5")).Append(wire.TagHURL, []byte("http://x"))}
	for _, c := range []struct {
		event pppoe.Event
		want  string
	}{
		{pppoe.Announced{Packet: wire.DiscoveryFrame{Discovery: said}}, info + `Message from 02:00:5e:00:53:02: [motm down\012at 5] [hurl http://x]` + "\n"},
		{pppoe.Announced{}, info + "Message from 02:00:5e:00:53:02:\n"},
		{pppoe.DiscoveryTimeout{Missing: wire.PADO}, fault + "Timeout waiting for PADO packets\n"},
		{pppoe.DiscoveryTimeout{Missing: wire.PADS}, fault + "Timeout waiting for PADS packets\n"},
		{pppoe.AdoptionFailed{SessionID: 9, AC: ac, Err: errors.New("no")}, "WARN Session 9 at 02:00:5e:00:53:02, of a client that was killed, cannot continue: no\n"},
		{pppoe.StaleTerminated{StaleSession: pppoe.StaleSession{SessionID: 9, AC: ac}}, info + "Sent PADT for session 9 at 02:00:5e:00:53:02, left by an earlier run\n"},
		{pppoe.StaleTerminated{StaleSession: pppoe.StaleSession{SessionID: 9, AC: ac, Local: client}}, info + "Sent PADT for session 9 at 02:00:5e:00:53:02, left by the loss of the interface\n"},
		{pppoe.InterfaceChanged{State: pppoe.InterfaceUp}, info + "Interface eth0 is up\n"},
		{pppoe.InterfaceChanged{State: pppoe.InterfaceNoCarrier}, info + "Interface eth0 is without carrier\n"},
		{pppoe.InterfaceChanged{State: pppoe.InterfaceDown}, info + "Interface eth0 is down\n"},
		{pppoe.InterfaceChanged{State: pppoe.InterfaceGone}, info + "Interface eth0 is gone\n"},
		{pppoe.InterfaceAddressChanged{From: client, To: ac}, info + "The Ethernet address of interface eth0 has changed from 02:00:5e:00:53:01 to 02:00:5e:00:53:02\n"},
		{pppoe.ListenerLost{Err: errors.New("network is down")}, fault + "Not serving on eth0 until it is usable again: network is down\n"},
		{pppoe.ListenerLost{Err: errors.New("eth0: network is down")}, fault + "Not serving on eth0 until it is usable again: network is down\n"},
		{pppoe.ListenerRestored{Addr: client}, info + "Serving on eth0 again, as 02:00:5e:00:53:01\n"},
		{pppoe.AwaitingInterface{}, info + "Waiting for interface eth0\n"},
		{pppoe.AwaitingTraffic{}, info + "Waiting for traffic\n"},
		{pppoe.Ended{Counters: datapath.Counters{Spoofed: 1}}, info + "Dropped 1 packets with a spoofed source address.\n"},
		{pppoe.Ended{Counters: datapath.Counters{Exceeded: 1}}, info + "Dropped 1 packets over the session's rate limit.\n"},
		{pppoe.Ended{Uptime: 1}, info + "Connect time 0.0 minutes.\n" + info + "Sent 0 bytes, received 0 bytes.\n"},
		{pppoe.AwaitingRedial{Delay: 1500*time.Microsecond + 1}, info + "Dialling again in 2ms\n"},
		{pppoe.AwaitingRedial{Delay: 1499 * time.Microsecond}, info + "Dialling again in 1ms\n"},
	} {
		if got := logged(&EventLogger{}, line, c.event); got != c.want {
			t.Errorf("%#v is logged as\n%swant\n%s", c.event, got, c.want)
		}
	}
}
