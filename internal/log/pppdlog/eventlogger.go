// Package pppdlog tells what happens to sessions in the lines of pppd's log, to
// the letter where scripts look for them.
package pppdlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/ppp/trace"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// EventLogger writes lines for events. Its fields do not change while it is in use;
// Notify may be called concurrently as often as its logger may.
type EventLogger struct {
	Log   *slog.Logger
	Trace trace.Options
	// Server has each line begin with the session it is about, and tells of
	// sessions in rp-pppoe's words.
	Server bool

	// NoIPv4 says that a server's sessions have no IPv4: else one with IPv6 alone is told of as
	// open once IPv4 has failed.
	NoIPv4 bool

	accounting accounting
	flood      EventLimiter // of a server's events
	moved      sync.Map     // by interface: how the log knows that its packets are moved
	carried    sync.Map     // by key: that the log knows what the session has carried
}

// Notify is a pppoe.ClientConfig.Notify, or a server's.
func (j *EventLogger) Notify(l pppoe.SessionInfo, event pppoe.Event) {
	if j.Server {
		if j.flood.leavesOut(anybodys(l, event), j.leftOut) {
			if _, ended := event.(pppoe.Ended); ended {
				j.accounting.ended(l)
			}
			return
		}
		defer j.serverSession(l, event)
	}
	switch e := event.(type) {
	case pppoe.DiscoverySent, pppoe.DiscoveryReceived, pppoe.FrameSent, pppoe.FrameReceived, session.Dropped:
		if j.Log.Enabled(context.Background(), slog.LevelDebug) {
			j.packet(l, event)
		}
	case pppoe.Rejected:
		j.error(l, "%v refused: %v %s", e.AC, e.Tag, wire.EscapeText(e.Text))
	case pppoe.SessionEstablished:
		j.granted(l, e)
	case pppoe.NoFreeSlots:
		j.error(l, "No client slots available (%v)", l.Peer)
		if e.Suppressed > 0 {
			j.error(l, "No client slots available (%d more requests)", e.Suppressed)
		}
	case pppoe.AddressTakenOver:
		j.info(l, "IP address %v is taken over by %s: this older session ends", e.Addr, other(e.By))
	case pppoe.AddressInUse:
		j.error(l, "IP address %v is in use by %s: this newer session is refused", e.Addr, other(e.By))
	case pppoe.DeviceOpened:
		j.info(l, "Using interface %s", e.Name)
	case pppoe.Connected:
		j.info(l, "Connect: %s <--> %s", l.Device, l.Interface)
	case pppoe.RemoteDefaulted:
		j.warn(l, "Could not determine remote IP address: defaulting to %v", e.Addr)
	case pppoe.Configured:
		j.carried.Delete(keyOf(l))
		j.configured(l, e)
	case pppoe.NetworkLost:
		j.networkLost(l, e)
	case session.Ending:
		if !j.Server {
			j.reason(l, e.Reason)
		}
	case session.Closed:
		if !j.Server {
			j.info(l, "Connection terminated.")
		}
	case pppoe.DiscoveryTimeout:
		j.error(l, "Timeout waiting for %v packets", e.Missing)
	case pppoe.Announced:
		j.info(l, "%v says%s", l.Peer, announcement(e.Packet))
	case pppoe.StaleTerminated:
		j.staleEnded(l, e)
	case pppoe.LinkChanged:
		j.info(l, "Interface %s is %v", l.Interface, e.State)
	case pppoe.AddressChanged:
		j.info(l, "The Ethernet address of interface %s has changed from %v to %v", l.Interface, e.From, e.To)
	case pppoe.ListenerLost:
		j.error(l, "Not serving on %s until it is usable again: %v", l.Interface, e.Err)
	case pppoe.ListenerRestored:
		j.info(l, "Serving on %s again, as %v", l.Interface, e.Addr)
	case pppoe.AwaitingLink:
		j.info(l, "Waiting for interface %s", l.Interface)
	case pppoe.AwaitingTraffic:
		j.info(l, "Waiting for traffic")
	case pppoe.Offloaded:
		j.movedBy(l, "Packets go through the kernel: "+e.Description)
	case pppoe.NotOffloaded:
		j.notAccelerated(l, e.Err)
	case pppoe.HostNetworkFailed:
		j.error(l, "%v", e.Err)
	case pppoe.AwaitingRedial:
		j.waiting(l, e)
	case pppoe.Ended:
		j.ended(l, e)
	case session.Event:
		j.session(l, e)
	}
}

// movedBy tells how packets are moved, if another session of the interface has not told the
// same just before.
func (j *EventLogger) movedBy(l pppoe.SessionInfo, how string) {
	if before, _ := j.moved.Swap(l.Interface, how); before != how {
		j.info(l, "%s", how)
	}
}

// notAccelerated tells why the kernel does not move packets. What is a session's own is told
// of each.
func (j *EventLogger) notAccelerated(l pppoe.SessionInfo, why error) {
	how := fmt.Sprintf("Packets go through user space: %v", why)
	if errors.Is(why, datapath.ErrRateLimited) || errors.Is(why, datapath.ErrSourceFiltered) {
		j.info(l, "%s", how)
		return
	}
	j.movedBy(l, how)
}

// waiting says when the next dial is, and why there must be one.
func (j *EventLogger) waiting(l pppoe.SessionInfo, e pppoe.AwaitingRedial) {
	why := ""
	if e.Err != nil {
		why = ": " + wire.EscapeText(e.Err.Error())
	}
	j.info(l, "Dialling again in %v%s", e.Delay.Round(time.Millisecond), why)
}

func (j *EventLogger) staleEnded(l pppoe.SessionInfo, e pppoe.StaleTerminated) {
	by := "an earlier run"
	if e.Local != (wire.Addr{}) {
		by = "the loss of the interface"
	}
	j.info(l, "Sent PADT for session %d at %v, which %s has left", e.SessionID, e.AC, by)
}

// packet tells of a packet, in pppd's words.
func (j *EventLogger) packet(l pppoe.SessionInfo, event pppoe.Event) {
	switch e := event.(type) {
	case pppoe.DiscoverySent:
		j.debug(l, string(e.Packet.AppendText([]byte("Send "))))
	case pppoe.DiscoveryReceived:
		j.debug(l, string(e.Packet.AppendText([]byte("Recv "))))
	case pppoe.FrameSent:
		j.debug(l, string(trace.AppendFrame([]byte("sent "), e.Frame, j.Trace)))
	case pppoe.FrameReceived:
		j.debug(l, string(trace.AppendFrame([]byte("rcvd "), e.Frame, j.Trace)))
	case session.Dropped:
		j.debug(l, fmt.Sprintf("dropped %v packet: %v", e.Protocol, e.Err))
	}
}

func (j *EventLogger) session(l pppoe.SessionInfo, event session.Event) {
	switch e := event.(type) {
	case session.Authenticated:
		j.authenticated(l, e)
	case session.AuthFailed:
		j.authFailed(l, e)
	case session.NetworkPhase:
		j.info(l, "peer from calling number %s authorized", strings.ToUpper(l.Peer.String()))
	case session.UnsupportedAuthMethod:
		j.methodRefused(l, e)
	case session.PathLimited:
		j.error(l, "Warning - packets of %d octets do not come through, though both sides agreed on them; %d octets do: say mtu %d and mru %d",
			e.MRU, e.PathMRU, e.PathMRU, e.PathMRU)
	case session.NetworkFailed:
		j.info(l, "%v: %v", e.Protocol, e.Err)
	case session.EchoTimeout:
		j.info(l, "No response to %d echo-requests", e.Requests)
		j.info(l, "Serial link appears to be disconnected.")
	case session.PeerClosed:
		if e.Text == "" {
			j.info(l, "LCP terminated by peer")
		} else {
			j.info(l, "LCP terminated by peer (%s)", wire.EscapeText(e.Text))
		}
	}
}

func (j *EventLogger) granted(l pppoe.SessionInfo, e pppoe.SessionEstablished) {
	if j.Server {
		return
	}
	j.info(l, "PADS: Service-Name: '%s'", wire.Escape(e.Service))
	j.info(l, "PPP session is %d", l.SessionID)
	j.info(l, "Connected to %v via interface %s", l.Peer, l.Interface)
}

func (j *EventLogger) authenticated(l pppoe.SessionInfo, e session.Authenticated) {
	if e.Repeated {
		return
	}
	name := e.Method.Name()
	switch {
	case e.Peer:
		j.info(l, `Peer "%s" authenticated with %s`, wire.EscapeName(e.Name), name)
		return
	case e.Message != "":
		j.info(l, "%s authentication succeeded: %s", name, wire.EscapeText(e.Message))
	}
	j.info(l, "%s authentication succeeded", name)
}

func (j *EventLogger) authFailed(l pppoe.SessionInfo, e session.AuthFailed) {
	name := e.Method.Name()
	if e.Peer {
		j.error(l, `Peer "%s" failed %s authentication`, wire.EscapeName(e.Name), name)
		if e.Message != "" {
			j.error(l, `Login of "%s" from %v refused: %s`, wire.EscapeName(e.Name), l.Peer, wire.EscapeText(e.Message))
		}
		return
	}
	if e.Message != "" {
		j.error(l, "%s authentication failed: %s", name, wire.EscapeText(e.Message))
	}
	j.error(l, "%s authentication failed", name)
}

// methodRefused says what the peer wants, and what would let it have that.
func (j *EventLogger) methodRefused(l pppoe.SessionInfo, e session.UnsupportedAuthMethod) {
	wanted, whatToDo := trace.AuthName(e.Requested), "we have no name to prove: give option user"
	switch {
	case j.Server:
		whatToDo = "we have no secret for that, or do not offer it"
	case bytes.Equal(e.Requested, chap.MSv1.Option()):
		whatToDo = "MS-CHAP version 1 is weak, and off: option allow-mschap-v1 allows it"
	case len(e.Allowed) > 0:
		var names []string
		for _, m := range e.Allowed {
			names = append(names, trace.AuthName(m.Option()))
		}
		whatToDo = "we offer " + strings.Join(names, ", ")
	}
	j.error(l, "Peer insists on authentication by %s: %s", wanted, whatToDo)
}

// configured tells of the families that are new.
func (j *EventLogger) configured(l pppoe.SessionInfo, e pppoe.Configured) {
	if a := e.IPv4; e.HasIPv4() && a != e.Previous.IPv4 {
		j.info(l, "local  IP address %v", a.Local)
		if !a.Remote.IsUnspecified() {
			j.info(l, "remote IP address %v", a.Remote)
		}
		if a.Remote == a.Local {
			j.warn(l, "The peer says that its IP address is %v, which is ours", a.Remote)
		}
		for i, which := range []string{"primary  ", "secondary"} {
			if a.DNS[i].IsValid() {
				j.info(l, "%s DNS address %v", which, a.DNS[i])
			}
		}
	}
	if a := e.IPv6; e.HasIPv6() && a != e.Previous.IPv6 {
		j.info(l, "local  LL address %s", linkLocal(a.Local))
		j.info(l, "remote LL address %s", linkLocal(a.Remote))
	}
}

// linkLocal is an address as pppd prints it, with all digits.
func linkLocal(id ipv6cp.ID) string {
	return fmt.Sprintf("fe80::%x:%x:%x:%x", id[:2], id[2:4], id[4:6], id[6:])
}

// announcement is what a PADM or PADN says, escaped and cut.
func announcement(p wire.DiscoveryFrame) string {
	var text []byte
	for t := range p.Tags.All() {
		text = append(t.AppendTruncated(append(text, " ["...)), ']')
	}
	return string(text)
}

// other is another session of the server.
func other(l pppoe.SessionInfo) string {
	return fmt.Sprintf("session %d of client %v on %s%s", l.SessionID, l.Peer, l.Interface, userOf(l))
}

// networkLost tells what the session has carried, as pppd does when IPCP goes down: scripts
// and the far side are told of the end after that. A link of IPv6 alone has no IPCP.
func (j *EventLogger) networkLost(l pppoe.SessionInfo, e pppoe.NetworkLost) {
	if e.Protocol != ppp.IPCP && e.Previous.HasIPv4() {
		return
	}
	if _, told := j.carried.LoadOrStore(keyOf(l), true); !told {
		j.connectTime(l, e.Uptime, e.Counters)
	}
}

func (j *EventLogger) connectTime(l pppoe.SessionInfo, online time.Duration, c datapath.Counters) {
	j.info(l, "Connect time %.1f minutes.", online.Minutes())
	j.info(l, "Sent %d bytes, received %d bytes.", c.SentBytes, c.ReceivedBytes)
}

// key is what tells the sessions of a program apart.
type key struct {
	iface string
	peer  wire.Addr
	id    uint16
}

func keyOf(l pppoe.SessionInfo) key { return key{l.Interface, l.Peer, l.SessionID} }

// reason tells why a session ends, where pppd has a line for it.
func (j *EventLogger) reason(l pppoe.SessionInfo, r session.Reason) {
	switch r.Cause {
	case session.Idle:
		j.info(l, "Terminating connection due to lack of activity.")
	case session.Expired:
		j.info(l, "Connect time expired")
	case session.Exhausted:
		j.info(l, "Traffic limit reached. Limit: session volume")
	case session.HangUp:
		j.info(l, "Modem hangup")
	case session.Looped:
		j.info(l, "Serial line is looped back.")
	case session.NotNegotiated:
		j.info(l, "%s", r.Text)
	case session.PeerNotAuthenticated:
		if r.Text == session.RefusedToAuthenticate {
			j.info(l, "%s: terminating link", r.Text)
		}
	}
}

// ended tells of the end, once all of the session is gone. A client's log has told the reason
// when that arose, and "Connection terminated." before the PADT, as pppd's has; of a server's
// sessions it is one step, which is left out where there are too many of them.
func (j *EventLogger) ended(l pppoe.SessionInfo, e pppoe.Ended) {
	if j.Server {
		j.reason(l, e.Reason)
	}
	if _, told := j.carried.LoadAndDelete(keyOf(l)); !told && e.Uptime > 0 {
		j.connectTime(l, e.Uptime, e.Counters)
	}
	if n := e.Counters.Spoofed; n > 0 {
		j.info(l, "Dropped %d packets from addresses that are not the peer's.", n)
	}
	if n := e.Counters.Exceeded; n > 0 {
		j.info(l, "Dropped %d packets beyond the session's rate.", n)
	}
	if j.Server {
		j.info(l, "Connection terminated.")
		j.closed(l, e)
	} else if e.SentPADT {
		j.info(l, "Sent PADT")
	}
}

func (j *EventLogger) leftOut(kind string, n int) { j.Log.Warn(SuppressedText(kind, n)) }

func (j *EventLogger) info(l pppoe.SessionInfo, format string, args ...any) {
	j.Log.Info(j.begin(l) + fmt.Sprintf(format, args...))
}

func (j *EventLogger) warn(l pppoe.SessionInfo, format string, args ...any) {
	j.Log.Warn(j.begin(l) + fmt.Sprintf(format, args...))
}

func (j *EventLogger) error(l pppoe.SessionInfo, format string, args ...any) {
	j.Log.Error(j.begin(l) + fmt.Sprintf(format, args...))
}

func (j *EventLogger) debug(l pppoe.SessionInfo, text string) { j.Log.Debug(j.begin(l) + text) }

// begin is what tells a server's sessions apart.
func (j *EventLogger) begin(l pppoe.SessionInfo) string {
	switch {
	case !j.Server:
		return ""
	case l.Device != "":
		return l.Device + ": "
	case l.SessionID != 0:
		return fmt.Sprintf("session %d: ", l.SessionID)
	}
	return ""
}
