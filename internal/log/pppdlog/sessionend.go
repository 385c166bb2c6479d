package pppdlog

import (
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// networkLost logs a session's traffic, as pppd does when IPCP goes down, before scripts run and
// the peer is notified. A session with IPv6 alone has no IPCP.
func (el *EventLogger) networkLost(l pppoe.SessionInfo, e pppoe.NetworkLost) {
	if e.Protocol != ppp.IPCP && e.Previous.HasIPv4() {
		return
	}
	if _, logged := el.trafficLogged.LoadOrStore(l.Key(), true); !logged {
		el.connectTime(l, e.Uptime, e.Counters)
	}
}

func (el *EventLogger) connectTime(l pppoe.SessionInfo, online time.Duration, c datapath.Counters) {
	el.info(l, "Connect time %.1f minutes.", online.Minutes())
	el.info(l, "Sent %d bytes, received %d bytes.", c.SentBytes, c.ReceivedBytes)
}

// reason logs why a session ends, where pppd has a line for it.
func (el *EventLogger) reason(l pppoe.SessionInfo, r session.Reason) {
	switch r.Cause {
	case session.CauseIdle:
		el.info(l, "Terminating connection due to lack of activity.")
	case session.CauseExpired:
		el.info(l, "Connect time expired")
	case session.CauseExhausted:
		el.info(l, "Traffic limit reached. Limit: session volume")
	case session.CauseHangUp:
		el.info(l, "Modem hangup")
	case session.CauseLooped:
		el.info(l, "Serial line is looped back.")
	case session.CauseNotNegotiated:
		el.info(l, "%s", r.Text)
	case session.CausePeerNotAuthenticated:
		if r.Text == session.RefusedToAuthenticate {
			el.info(l, "%s: terminating link", r.Text)
		}
	}
}

// ended logs the end of a session. A client has logged the reason when it arose, and "Connection
// terminated." before the PADT, as pppd does; a server logs them together, so that they can be
// suppressed together.
func (el *EventLogger) ended(l pppoe.SessionInfo, e pppoe.Ended) {
	if el.Server {
		el.reason(l, e.Reason)
	}
	if _, logged := el.trafficLogged.LoadAndDelete(l.Key()); !logged && e.Uptime > 0 {
		el.connectTime(l, e.Uptime, e.Counters)
	}
	if n := e.Counters.Spoofed; n > 0 {
		el.info(l, "Dropped %d packets with a spoofed source address.", n)
	}
	if n := e.Counters.Exceeded; n > 0 {
		el.info(l, "Dropped %d packets over the session's rate limit.", n)
	}
	if el.Server {
		el.info(l, "Connection terminated.")
		el.closed(l, e)
	} else if e.SentPADT {
		el.info(l, "Sent PADT")
	}
}
