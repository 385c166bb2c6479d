// Package pppdlog logs a session's events in the lines of pppd's log, to the letter where scripts
// look for them, and a server's sessions in rp-pppoe's.
package pppdlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"upppoe/ppp/session"
	"upppoe/ppp/trace"
	"upppoe/pppoe"
	"upppoe/pppoe/limit"
	"upppoe/pppoe/wire"
)

// EventLogger logs events. Its fields must not change while it is in use; Notify may be called
// concurrently if its logger may.
type EventLogger struct {
	Log   *slog.Logger
	Trace trace.Options
	// Server prefixes each line with its session, and logs sessions in rp-pppoe's words.
	Server bool

	// NoIPv4 says that a server's sessions have no IPv4: otherwise one with IPv6 alone is logged
	// as created once IPv4 has failed.
	NoIPv4 bool

	accounting    accounting
	limiter       EventLimiter // of a server's events
	dataPaths     sync.Map     // by interface: the last logged data path
	trafficLogged sync.Map     // by key: the session's traffic has been logged
}

// Notify logs an event of a client or server.
func (el *EventLogger) Notify(l pppoe.SessionInfo, event pppoe.Event) {
	if el.Server {
		if el.limiter.suppress(unauthenticatedKind(l, event), el.logSuppressed) {
			if _, ended := event.(pppoe.Ended); ended {
				el.accounting.ended(l)
			}
			return
		}
		defer el.serverSession(l, event)
	}
	switch e := event.(type) {
	case pppoe.DiscoverySent, pppoe.DiscoveryReceived, pppoe.FrameSent, pppoe.FrameReceived, session.Dropped:
		if el.Log.Enabled(context.Background(), slog.LevelDebug) {
			el.packet(l, event)
		}
	case pppoe.Rejected:
		el.error(l, "%v refused: %v %s", e.AC, e.Tag, wire.EscapeText(e.Text))
	case pppoe.SessionEstablished:
		el.established(l, e)
	case pppoe.Continued:
		el.info(l, "Session %d at %v continues, from a client that was killed", l.SessionID, l.Peer)
	case pppoe.AdoptionFailed:
		el.warn(l, "Session %d at %v, of a client that was killed, cannot continue: %v", e.SessionID, e.AC, e.Err)
	case pppoe.NoFreeSlots:
		el.error(l, "%s (%v)", noSlot(e.Reason), l.Peer)
		if e.Suppressed > 0 {
			el.error(l, "No client slots available (%d more requests)", e.Suppressed)
		}
	case pppoe.AddressTakenOver:
		el.info(l, "IP address %v is taken over by %s: this older session ends", e.Addr, describeSession(e.By))
	case pppoe.AddressInUse:
		el.error(l, "IP address %v is in use by %s: this newer session is refused", e.Addr, describeSession(e.By))
	case pppoe.DeviceOpened:
		el.info(l, "Using interface %s", e.Name)
	case pppoe.Connected:
		el.info(l, "Connect: %s <--> %s", l.Device, l.Interface)
	case pppoe.RemoteDefaulted:
		el.warn(l, "Could not determine remote IP address: defaulting to %v", e.Addr)
	case pppoe.Configured:
		el.trafficLogged.Delete(l.Key())
		el.configured(l, e)
	case pppoe.Adopted:
		if el.Server {
			el.adopted(l, e)
		} else {
			el.info(l, "Using interface %s", l.Device)
		}
	case pppoe.NetworkLost:
		el.networkLost(l, e)
	case session.Ending:
		if !el.Server {
			el.reason(l, e.Reason)
		}
	case session.Closed:
		if !el.Server {
			el.info(l, "Connection terminated.")
		}
	case pppoe.DiscoveryTimeout:
		el.error(l, "Timeout waiting for %v packets", e.Missing)
	case pppoe.Announced:
		el.info(l, "Message from %v:%s", l.Peer, announcement(e.Packet))
	case pppoe.StaleTerminated:
		el.staleEnded(l, e)
	case pppoe.InterfaceChanged:
		el.info(l, "Interface %s is %v", l.Interface, e.State)
	case pppoe.InterfaceAddressChanged:
		el.info(l, "The Ethernet address of interface %s has changed from %v to %v", l.Interface, e.From, e.To)
	case pppoe.ListenerLost:
		el.error(l, "Not serving on %s until it is usable again: %v", l.Interface, strings.TrimPrefix(e.Err.Error(), l.Interface+": "))
	case pppoe.ListenerRestored:
		el.info(l, "Serving on %s again, as %v", l.Interface, e.Addr)
	case pppoe.AwaitingInterface:
		el.info(l, "Waiting for interface %s", l.Interface)
	case pppoe.AwaitingTraffic:
		el.info(l, "Waiting for traffic")
	case pppoe.Offloaded:
		el.dataPath(l, "Packets go through the kernel: "+e.Description)
	case pppoe.NotOffloaded:
		el.dataPath(l, fmt.Sprintf("Packets go through user space: %v", e.Err))
	case pppoe.HostNetworkFailed:
		el.error(l, "%v", e.Err)
	case pppoe.AwaitingRedial:
		el.waiting(l, e)
	case pppoe.Ended:
		el.ended(l, e)
	case session.Event:
		el.session(l, e)
	}
}

// dataPath logs how packets are moved, unless the last session of the interface has logged the
// same.
func (el *EventLogger) dataPath(l pppoe.SessionInfo, how string) {
	if before, _ := el.dataPaths.Swap(l.Interface, how); before != how {
		el.info(l, "%s", how)
	}
}

// waiting logs when the next dial is, and why.
func (el *EventLogger) waiting(l pppoe.SessionInfo, e pppoe.AwaitingRedial) {
	why := ""
	if e.Err != nil {
		why = ": " + wire.EscapeText(e.Err.Error())
	}
	el.info(l, "Dialling again in %v%s", e.Delay.Round(time.Millisecond), why)
}

func (el *EventLogger) staleEnded(l pppoe.SessionInfo, e pppoe.StaleTerminated) {
	by := "an earlier run"
	if e.Local != (wire.Addr{}) {
		by = "the loss of the interface"
	}
	el.info(l, "Sent PADT for session %d at %v, left by %s", e.SessionID, e.AC, by)
}

func (el *EventLogger) session(l pppoe.SessionInfo, event session.Event) {
	switch e := event.(type) {
	case session.Authenticated:
		el.authenticated(l, e)
	case session.AuthFailed:
		el.authFailed(l, e)
	case session.NetworkPhase:
		el.info(l, "peer from calling number %s authorized", strings.ToUpper(l.Peer.String()))
	case session.UnsupportedAuthMethod:
		el.methodRefused(l, e)
	case session.PathLimited:
		el.error(l, "Warning - packets of %d octets are lost on the path, though both sides agreed on them; %d octets pass: set mtu %d and mru %d",
			e.MRU, e.PathMRU, e.PathMRU, e.PathMRU)
	case session.NetworkFailed:
		el.info(l, "%v: %v", e.Protocol, e.Err)
	case session.EchoTimeout:
		el.info(l, "No response to %d echo-requests", e.Requests)
		el.info(l, "Serial link appears to be disconnected.")
	case session.PeerClosed:
		if e.Text == "" {
			el.info(l, "LCP terminated by peer")
		} else {
			el.info(l, "LCP terminated by peer (%s)", wire.EscapeText(e.Text))
		}
	}
}

func (el *EventLogger) established(l pppoe.SessionInfo, e pppoe.SessionEstablished) {
	if el.Server {
		return
	}
	el.info(l, "PADS: Service-Name: '%s'", wire.Escape(e.Service))
	el.info(l, "PPP session is %d", l.SessionID)
	el.info(l, "Connected to %v via interface %s", l.Peer, l.Interface)
}

// configured logs the addresses of families that are new.
func (el *EventLogger) configured(l pppoe.SessionInfo, e pppoe.Configured) {
	if a := e.IPv4; e.HasIPv4() && a != e.Previous.IPv4 {
		el.info(l, "local  IP address %v", a.Local)
		if !a.Remote.IsUnspecified() {
			el.info(l, "remote IP address %v", a.Remote)
		}
		if a.Remote == a.Local {
			el.warn(l, "The peer has the same IP address as this side: %v", a.Remote)
		}
		for i, which := range []string{"primary  ", "secondary"} {
			if a.DNS[i].IsValid() {
				el.info(l, "%s DNS address %v", which, a.DNS[i])
			}
		}
	}
	if a := e.IPv6; e.HasIPv6() && a != e.Previous.IPv6 {
		el.info(l, "local  LL address %s", linkLocal(a.Local))
		el.info(l, "remote LL address %s", linkLocal(a.Remote))
	}
}

func (el *EventLogger) logSuppressed(kind string, n int) { el.Log.Warn(SuppressedText(kind, n)) }

// noSlot says why a client gets no session: in rp-pppoe's words, or which other limit is exceeded.
func noSlot(why error) string {
	if e, ok := why.(limit.Exceeded); ok && (e.Scope == limit.PerVLAN || e.Scope == limit.PerInterface) {
		return fmt.Sprintf("Session rejected: too many %v of one %v", e.What, e.Scope)
	}
	if errors.Is(why, pppoe.ErrDraining) {
		return "Session rejected: the server drains"
	}
	if e := (pppoe.PoolError{}); errors.As(why, &e) {
		return "Session rejected: " + e.Error()
	}
	return "No client slots available"
}
