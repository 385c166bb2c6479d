package pppdlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/pap"
	"upppoe/ppp/session"
	"upppoe/ppp/trace"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/limit"
	"upppoe/pppoe/wire"
)

var (
	client = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}
	ac     = wire.Addr{2, 0, 0x5e, 0, 0x53, 2}
	line   = pppoe.SessionInfo{Interface: "eth0", SessionID: 7, Local: client, Peer: ac, ACName: "ac", Service: "internet", Device: "ppp0"}
	v4     = ipcp.Agreement{
		Local: netip.MustParseAddr("192.0.2.10"), Remote: netip.MustParseAddr("192.0.2.1"),
		DNS: [2]netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("192.0.2.54")},
	}
	v6 = ipv6cp.Agreement{Local: ipv6cp.ID{0, 0, 0, 0, 0, 0, 0, 0xa}, Remote: ipv6cp.ID{0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0}}
)

const (
	info  = "INFO "
	fault = "ERROR "
	debug = "DEBUG "
)

// logged returns what an EventLogger logs for events, each line after its level.
func logged(el *EventLogger, l pppoe.SessionInfo, events ...pppoe.Event) string {
	var b bytes.Buffer
	el.Log = slog.New(levels{&b})
	for _, e := range events {
		el.Notify(l, e)
	}
	return b.String()
}

// levels writes each record's level and message.
type levels struct{ to io.Writer }

func (levels) Enabled(context.Context, slog.Level) bool { return true }
func (l levels) Handle(_ context.Context, r slog.Record) error {
	_, err := fmt.Fprintf(l.to, "%v %s\n", r.Level, r.Message)
	return err
}
func (l levels) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l levels) WithGroup(string) slog.Handler      { return l }

// TestLines: the lines of the client's log, which are pppd's to the letter, as scripts read them.
func TestLines(t *testing.T) {
	both := pppoe.Addressing{MTU: 1492, IPv4: v4, IPv6: v6}
	ending := func(c session.Cause, text string) session.Ending {
		return session.Ending{Reason: session.Reason{Cause: c, Text: text}}
	}
	for _, c := range []struct {
		event pppoe.Event
		want  string
	}{
		{pppoe.DiscoverySent{Packet: discoveryFrame()}, debug + "Send PPPOE Discovery V1T1 PADI session 0x0 length 12\n dst ff:ff:ff:ff:ff:ff  src 02:00:5e:00:53:01\n [service-name] [host-uniq  01 02 03 04]\n"},
		{pppoe.DiscoveryReceived{Packet: discoveryFrame()}, debug + "Recv PPPOE Discovery V1T1 PADI session 0x0 length 12\n dst ff:ff:ff:ff:ff:ff  src 02:00:5e:00:53:01\n [service-name] [host-uniq  01 02 03 04]\n"},
		{pppoe.FrameSent{Frame: frame(ppp.LCP, ppp.EchoRequest, 3, 0, 0, 0, 1)}, debug + "sent [LCP EchoReq id=0x3 magic=0x1]\n"},
		{pppoe.FrameReceived{Frame: frame(ppp.LCP, ppp.EchoReply, 3, 0, 0, 0, 2)}, debug + "rcvd [LCP EchoRep id=0x3 magic=0x2]\n"},
		{pppoe.Rejected{Rejection: discovery.Rejection{AC: ac, Error: wire.Error{Tag: wire.TagServiceNameError, Text: "no\n"}}}, fault + `02:00:5e:00:53:02 refused: service-name-error no\012` + "\n"},
		{pppoe.SessionEstablished{}, info + "PADS: Service-Name: ''\n" + info + "PPP session is 7\n" + info + "Connected to 02:00:5e:00:53:02 via interface eth0\n"},
		{pppoe.SessionEstablished{Grant: discovery.Grant{Service: "a'\n"}}, info + `PADS: Service-Name: 'a'\012'` + "\n" + info + "PPP session is 7\n" + info + "Connected to 02:00:5e:00:53:02 via interface eth0\n"},
		{pppoe.DeviceOpened{Name: "ppp0"}, info + "Using interface ppp0\n"},
		{pppoe.Connected{}, info + "Connect: ppp0 <--> eth0\n"},
		{pppoe.Configured{Addressing: both}, info + "local  IP address 192.0.2.10\n" + info + "remote IP address 192.0.2.1\n" +
			info + "primary   DNS address 192.0.2.53\n" + info + "secondary DNS address 192.0.2.54\n" +
			info + "local  LL address fe80::0000:0000:0000:000a\n" + info + "remote LL address fe80::1234:5678:9abc:def0\n"},
		{pppoe.Configured{Addressing: both, Previous: both}, ""},
		{pppoe.Configured{Addressing: both, Previous: pppoe.Addressing{IPv4: v4}}, info + "local  LL address fe80::0000:0000:0000:000a\n" + info + "remote LL address fe80::1234:5678:9abc:def0\n"},
		{pppoe.Configured{Addressing: pppoe.Addressing{IPv4: ipcp.Agreement{Local: v4.Local, Remote: v4.Remote}}}, info + "local  IP address 192.0.2.10\n" + info + "remote IP address 192.0.2.1\n"},
		{pppoe.Configured{Previous: both}, ""},
		{pppoe.Configured{Addressing: pppoe.Addressing{IPv4: ipcp.Agreement{Local: v4.Local, Remote: netip.IPv4Unspecified()}}}, info + "local  IP address 192.0.2.10\n"},
		{pppoe.Configured{Addressing: pppoe.Addressing{IPv4: ipcp.Agreement{Local: v4.Local, Remote: v4.Local}}}, info + "local  IP address 192.0.2.10\n" + info + "remote IP address 192.0.2.10\n" +
			"WARN The peer has the same IP address as this side: 192.0.2.10\n"},
		{pppoe.RemoteDefaulted{Addr: netip.MustParseAddr("10.64.64.65")}, "WARN Could not determine remote IP address: defaulting to 10.64.64.65\n"},
		{pppoe.Offloaded{Description: "receive in TC"}, info + "Packets go through the kernel: receive in TC\n"},
		{pppoe.NotOffloaded{Err: errors.New("no rights")}, info + "Packets go through user space: no rights\n"},
		{pppoe.HostNetworkFailed{Err: errors.New("ppp0: no")}, fault + "ppp0: no\n"},
		{pppoe.AwaitingRedial{Delay: 30 * time.Second}, info + "Dialling again in 30s\n"},
		{pppoe.AwaitingRedial{Delay: 30*time.Second + 400*time.Microsecond, Err: fmt.Errorf("eth0: open packet socket: %w", syscall.EMFILE)}, info + "Dialling again in 30s: eth0: open packet socket: too many open files\n"},
		{pppoe.AwaitingRedial{Delay: time.Second, Err: errors.New("no\x1b")}, info + `Dialling again in 1s: no\033` + "\n"},
		{ending(session.CauseUserRequest, "User request"), ""},
		{ending(session.CausePeerTerminated, ""), ""},
		{ending(session.CauseHangUp, ""), info + "Modem hangup\n"},
		{ending(session.CauseIdle, ""), info + "Terminating connection due to lack of activity.\n"},
		{ending(session.CauseExpired, ""), info + "Connect time expired\n"},
		{ending(session.CauseExhausted, ""), info + "Traffic limit reached. Limit: session volume\n"},
		{ending(session.CauseNotNegotiated, "No network protocols running"), info + "No network protocols running\n"},
		{ending(session.CausePeerNotAuthenticated, session.RefusedToAuthenticate), info + "peer refused to authenticate: terminating link\n"},
		{ending(session.CausePeerNotAuthenticated, ""), ""},
		{ending(session.CauseLooped, ""), info + "Serial line is looped back.\n"},
		{session.Closed{Reason: session.Reason{Cause: session.CauseHangUp}}, info + "Connection terminated.\n"},
		{pppoe.Ended{Reason: session.Reason{Cause: session.CauseHangUp}}, ""},
		{pppoe.Ended{SentPADT: true}, info + "Sent PADT\n"},
		{pppoe.Ended{Counters: datapath.Counters{SentBytes: 1234, ReceivedBytes: 5678, SentPackets: 9}, Uptime: 90 * time.Second},
			info + "Connect time 1.5 minutes.\n" + info + "Sent 1234 bytes, received 5678 bytes.\n"},

		{session.Authenticated{Method: pap.Method, Message: "Login ok"}, info + "PAP authentication succeeded: Login ok\n" + info + "PAP authentication succeeded\n"},
		{session.Authenticated{Method: chap.MD5}, info + "CHAP authentication succeeded\n"},
		{session.Authenticated{Method: chap.MD5, Message: "\x1b[2J"}, info + `CHAP authentication succeeded: \033[2J` + "\n" + info + "CHAP authentication succeeded\n"},
		{session.Authenticated{Method: eap.MD5, Repeated: true}, ""},
		{session.Authenticated{Method: chap.MD5, Peer: true, Name: "al\nice"}, info + `Peer "al\012ice" authenticated with CHAP` + "\n"},
		{session.NetworkPhase{}, info + "peer from calling number 02:00:5E:00:53:02 authorized\n"},
		{session.AuthFailed{Method: pap.Method}, fault + "PAP authentication failed\n"},
		{session.AuthFailed{Method: chap.MD5, Message: "Access denied"}, fault + "CHAP authentication failed: Access denied\n" + fault + "CHAP authentication failed\n"},
		{session.AuthFailed{Method: eap.MD5, Peer: true, Name: "mallory"}, fault + `Peer "mallory" failed EAP authentication` + "\n"},
		{session.AuthFailed{Method: chap.MD5, Peer: true, Name: "mal\nlory", Message: "wrong\npassword"}, fault + `Peer "mal\012lory" failed CHAP authentication` + "\n" +
			fault + `Login of "mal\012lory" from 02:00:5e:00:53:02 refused: wrong\012password` + "\n"},
		{session.UnsupportedAuthMethod{Requested: chap.MSv1.Option(), Allowed: []ppp.Method{chap.MD5}}, fault + "Peer insists on authentication by chap MS: MS-CHAP version 1 is weak and disabled: option allow-mschap-v1 enables it\n"},
		{session.UnsupportedAuthMethod{Requested: chap.MSv2.Option(), Allowed: []ppp.Method{eap.MD5, chap.MD5}}, fault + "Peer insists on authentication by chap MS-v2: we offer eap, chap MD5\n"},
		{session.UnsupportedAuthMethod{Requested: []byte{0xc0, 0x27}}, fault + "Peer insists on authentication by 0xc027: no name is configured: set option user\n"},
		{session.UnsupportedAuthMethod{Requested: []byte{0xc0}, Allowed: []ppp.Method{pap.Method}}, fault + "Peer insists on authentication by 0xc0: we offer pap\n"},
		{session.PathLimited{PathLimit: lcp.PathLimit{MRU: 1492, PathMRU: 1442}}, fault + "Warning - packets of 1492 octets are lost on the path, though both sides agreed on them; 1442 octets pass: set mtu 1442 and mru 1442\n"},
		{session.NetworkFailed{Protocol: ppp.IPCP, Err: ipcp.ErrNoLocal}, info + "IPCP: could not determine local IP address\n"},
		{session.EchoTimeout{Requests: 3}, info + "No response to 3 echo-requests\n" + info + "Serial link appears to be disconnected.\n"},
		{session.PeerClosed{}, info + "LCP terminated by peer\n"},
		{session.PeerClosed{Text: "bye\x07"}, info + `LCP terminated by peer (bye\007)` + "\n"},
		{session.Dropped{Protocol: ppp.LCP, Err: errors.New("lcp: why")}, debug + "dropped LCP packet: lcp: why\n"},

		// Events that are logged elsewhere, or not at all.
		{session.LinkUp{MRU: 1492, PeerMRU: 1492}, ""},
		{session.AuthRequest{Method: chap.MD5}, ""},
		{session.IPv4Up{Agreement: v4}, ""},
		{session.IPv6Up{Agreement: v6}, ""},
		{session.NetworkDown{Protocol: ppp.IPCP}, ""},
	} {
		if got := logged(&EventLogger{}, line, c.event); got != c.want {
			t.Errorf("%#v is logged as\n%swant\n%s", c.event, got, c.want)
		}
	}
}

// TestConnectTime: a session's traffic is logged once, before its end: when IPCP goes down, or
// IPv6CP without IPv4.
func TestConnectTime(t *testing.T) {
	carried := datapath.Counters{SentBytes: 1234, ReceivedBytes: 5678}
	lost := func(p ppp.Protocol, before pppoe.Addressing) pppoe.NetworkLost {
		return pppoe.NetworkLost{Protocol: p, Previous: before, Counters: carried, Uptime: 90 * time.Second}
	}
	end := pppoe.Ended{Reason: session.Reason{Cause: session.CauseUserRequest}, Counters: carried, Uptime: 96 * time.Second}
	const time = info + "Connect time 1.5 minutes.\n" + info + "Sent 1234 bytes, received 5678 bytes.\n"
	both, only6 := pppoe.Addressing{IPv4: v4, IPv6: v6}, pppoe.Addressing{IPv6: v6}
	for _, c := range []struct {
		what   string
		events []pppoe.Event
		want   string
	}{
		{"both families", []pppoe.Event{lost(ppp.IPCP, both), lost(ppp.IPv6CP, only6), end}, time},
		{"IPv4", []pppoe.Event{lost(ppp.IPCP, pppoe.Addressing{IPv4: v4}), end}, time},
		{"IPv6", []pppoe.Event{lost(ppp.IPv6CP, only6), end}, time},
		{"IPv6 alone goes down", []pppoe.Event{lost(ppp.IPv6CP, both)}, ""},
		{"negotiated anew between", []pppoe.Event{lost(ppp.IPCP, pppoe.Addressing{IPv4: v4}), pppoe.Configured{}, end}, time + info + "Connect time 1.6 minutes.\n" + info + "Sent 1234 bytes, received 5678 bytes.\n"},
	} {
		if got := logged(&EventLogger{}, line, c.events...); got != c.want {
			t.Errorf("%s: logged as\n%swant\n%s", c.what, got, c.want)
		}
	}
}

// TestDataPathLoggedOnce: the same data path of an interface's sessions is logged once.
func TestDataPathLoggedOnce(t *testing.T) {
	kernel, user := pppoe.Offloaded{Description: "TC"}, pppoe.NotOffloaded{Err: errors.New("full")}
	want := info + "Packets go through the kernel: TC\n" +
		info + "Packets go through user space: full\n" + info + "Packets go through the kernel: TC\n"
	if got := logged(&EventLogger{}, line, kernel, kernel, user, user, kernel); got != want {
		t.Errorf("logged as\n%swant\n%s", got, want)
	}
}

// TestServerLines: a server's lines begin with their session, and describe sessions as rp-pppoe
// does.
func TestServerLines(t *testing.T) {
	noDevice := line
	noDevice.Device = ""
	noSession := noDevice
	newer := pppoe.SessionInfo{Interface: "eth1", SessionID: 2, Peer: wire.Addr{2, 0, 0x5e, 0, 0x53, 9}, User: "a\x1b"}
	noSession.SessionID = 0
	hostile := line
	hostile.Service = "x'\n"
	for _, c := range []struct {
		line  pppoe.SessionInfo
		event pppoe.Event
		want  string
	}{
		{line, pppoe.AddressTakenOver{Addr: netip.MustParseAddr("192.0.2.50"), By: newer},
			info + "ppp0: IP address 192.0.2.50 is taken over by session 2 of client 02:00:5e:00:53:09 on eth1, user \"a\\033\": this older session ends\n"},
		{line, pppoe.AddressInUse{Addr: netip.MustParseAddr("192.0.2.50"), By: newer},
			fault + "ppp0: IP address 192.0.2.50 is in use by session 2 of client 02:00:5e:00:53:09 on eth1, user \"a\\033\": this newer session is refused\n"},
		{noSession, pppoe.NoFreeSlots{}, fault + "No client slots available (02:00:5e:00:53:02)\n"},
		{noSession, pppoe.NoFreeSlots{Reason: limit.Exceeded{What: limit.Sessions, Scope: limit.PerVLAN}}, fault + "Session rejected: too many sessions of one VLAN (02:00:5e:00:53:02)\n"},
		{noSession, pppoe.NoFreeSlots{Reason: limit.Exceeded{What: limit.Sessions, Scope: limit.Total}}, fault + "No client slots available (02:00:5e:00:53:02)\n"},
		{noSession, pppoe.NoFreeSlots{Suppressed: 7}, fault + "No client slots available (02:00:5e:00:53:02)\n" + fault + "No client slots available (7 more requests)\n"},
		{noDevice, pppoe.SessionEstablished{}, ""},
		{noDevice, pppoe.HostNetworkFailed{Err: errors.New("no device")}, fault + "session 7: no device\n"},
		{line, session.UnsupportedAuthMethod{Requested: chap.MSv1.Option()}, fault + "ppp0: Peer insists on authentication by chap MS: no secret is configured for it, or it is not offered\n"},
		{line, session.Authenticated{Method: chap.MD5, Peer: true, Name: "alice"}, info + `ppp0: Peer "alice" authenticated with CHAP` + "\n"},
		{line, pppoe.Configured{Addressing: pppoe.Addressing{IPv4: ipcp.Agreement{Local: v4.Remote, Remote: v4.Local}}},
			info + "ppp0: local  IP address 192.0.2.1\n" + info + "ppp0: remote IP address 192.0.2.10\n" +
				info + "ppp0: Session 7 created for client 02:00:5e:00:53:02 (192.0.2.10) on eth0 using Service-Name 'internet'\n"},
		{line, pppoe.Adopted{Addressing: pppoe.Addressing{IPv4: ipcp.Agreement{Local: v4.Remote, Remote: v4.Local}}, Uptime: time.Minute},
			info + "ppp0: Session 7 continues for client 02:00:5e:00:53:02 (192.0.2.10) on eth0, online for 1m0s\n"},
		{hostile, pppoe.Configured{Addressing: pppoe.Addressing{IPv4: ipcp.Agreement{Local: v4.Remote, Remote: v4.Local}}},
			info + "ppp0: local  IP address 192.0.2.1\n" + info + "ppp0: remote IP address 192.0.2.10\n" +
				info + `ppp0: Session 7 created for client 02:00:5e:00:53:02 (192.0.2.10) on eth0 using Service-Name 'x'\012'` + "\n"},
		{line, pppoe.Ended{Reason: session.Reason{Cause: session.CausePeerTerminated, Text: "a stranger's words"}},
			info + "ppp0: Connection terminated.\n" + info + "ppp0: Session 7 closed for client 02:00:5e:00:53:02 on eth0: peer-terminated\n"},
		{line, pppoe.NotOffloaded{Err: errors.New("full")}, info + "ppp0: Packets go through user space: full\n"},
		{line, pppoe.Ended{Reason: session.Reason{Cause: session.CausePeerTerminated}, Counters: datapath.Counters{Dropped: 5, Spoofed: 2, Exceeded: 3}},
			info + "ppp0: Dropped 2 packets with a spoofed source address.\n" + info + "ppp0: Dropped 3 packets over the session's rate limit.\n" +
				info + "ppp0: Connection terminated.\n" + info + "ppp0: Session 7 closed for client 02:00:5e:00:53:02 on eth0: peer-terminated\n"},
		{line, pppoe.FrameReceived{Frame: frame(ppp.IPCP, ppp.ConfigureAck, 1)}, debug + "ppp0: rcvd [IPCP ConfAck id=0x1]\n"},
	} {
		if got := logged(&EventLogger{Server: true}, c.line, c.event); got != c.want {
			t.Errorf("%#v is logged as\n%swant\n%s", c.event, got, c.want)
		}
	}
}

// TestNoPassword: PAP sends the password in clear text, but it is logged only on request.
func TestNoPassword(t *testing.T) {
	login := frame(ppp.PAP, pap.AuthenticateRequest, 1, append([]byte("\x05alice\x06"), "geheim"...)...)
	broken := frame(ppp.PAP, pap.AuthenticateRequest, 1, append([]byte("\x05alice\x09"), "geheim"...)...)
	long := append(frame(ppp.PAP, pap.AuthenticateRequest, 1)[:4], append([]byte("\xff\xff\x05alice\x06"), "geheim"...)...)
	rejected := frame(ppp.LCP, ppp.ProtocolReject, 9, login...)
	for _, server := range []bool{false, true} {
		got := logged(&EventLogger{Server: server}, line, pppoe.FrameSent{Frame: login}, pppoe.FrameReceived{Frame: login}, pppoe.FrameReceived{Frame: broken},
			pppoe.FrameReceived{Frame: long}, pppoe.FrameReceived{Frame: rejected})
		if strings.Contains(got, "geheim") || strings.Contains(got, "67 65 68 65 69 6d") || strings.Count(got, "AuthReq") != 3 {
			t.Errorf("server %v: the log is\n%s", server, got)
		}
	}
	shown := logged(&EventLogger{Trace: trace.Options{ShowPassword: true}}, line, pppoe.FrameSent{Frame: login})
	if want := debug + `sent [PAP AuthReq id=0x1 user="alice" password="geheim"]` + "\n"; shown != want {
		t.Errorf("with show-password: %s, want %s", shown, want)
	}
}

func discoveryFrame() wire.DiscoveryFrame {
	tags := wire.Tags(nil).Append(wire.TagServiceName, nil).Append(wire.TagHostUniq, []byte{1, 2, 3, 4})
	return wire.DiscoveryFrame{Dst: wire.Broadcast, Src: client, Discovery: wire.Discovery{Code: wire.PADI, Tags: tags}}
}

func frame(p ppp.Protocol, code ppp.Code, id uint8, data ...byte) []byte {
	q := &ppp.Queue{}
	q.Add(p, ppp.Control{Code: code, ID: id, Data: data})
	return q.At(0)
}
