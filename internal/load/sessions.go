package load

import (
	"encoding/json"
	"io"
	"net/netip"
	"slices"
	"time"
)

// sessionTraffic is what a client's packets of the traffic have met, over all its sessions.
type sessionTraffic struct {
	sent, received uint32
	total, max     time.Duration // of round trips
}

// answered records a packet that has come back.
func (t *sessionTraffic) answered(rtt time.Duration) {
	t.received++
	t.total += rtt
	t.max = max(t.max, rtt)
}

// SessionReport is what one client has seen. Times are in milliseconds.
type SessionReport struct {
	Client         int
	User           string
	MAC            string
	VLAN           string       `json:",omitempty"`
	IPv4           netip.Addr   // of its last session
	Prefix         netip.Prefix // delegated; invalid: none
	Sent, Received uint32       // packets of the traffic
	LossPercent    float64
	RTT, MaxRTT    float64 // average and longest round trip
}

// session returns the report of a client.
func (g *Generator) session(i int) SessionReport {
	c, who := &g.clients[i], g.cfg.Client(i)
	r := SessionReport{
		Client: i, User: who.User, MAC: who.Addr.String(), IPv4: c.local, Sent: c.traffic.sent, Received: c.traffic.received,
		MaxRTT: milliseconds(c.traffic.max), LossPercent: c.traffic.loss(),
	}
	if who.VLAN.Depth() > 0 {
		r.VLAN = who.VLAN.String()
	}
	if c.prefix != nil {
		r.Prefix = c.prefix.lease
	}
	if c.traffic.received > 0 {
		r.RTT = milliseconds(c.traffic.total / time.Duration(c.traffic.received))
	}
	return r
}

// loss returns the share of packets that have not come back, in percent.
func (t *sessionTraffic) loss() float64 {
	if t.sent == 0 || t.received >= t.sent {
		return 0
	}
	return 100 * float64(t.sent-t.received) / float64(t.sent)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// worstCount is the number of sessions that a report names.
const worstCount = 5

// worst returns the sessions that have lost the largest share of their packets, at most worstCount.
func (g *Generator) worst() (all []SessionReport) {
	var of []int
	for i := range g.cfg.Sessions {
		if g.clients[i].traffic.loss() > 0 {
			of = append(of, i)
		}
	}
	slices.SortStableFunc(of, func(a, b int) int {
		la, lb := g.clients[a].traffic.loss(), g.clients[b].traffic.loss()
		switch {
		case la > lb:
			return -1
		case la < lb:
			return 1
		}
		return 0
	})
	for _, i := range of[:min(len(of), worstCount)] {
		all = append(all, g.session(i))
	}
	return all
}

// keepSessions copies the reports of all sessions as they are before they are closed.
func (g *Generator) keepSessions() {
	if !g.KeepSessions {
		return
	}
	g.result.sessions = make([]SessionReport, g.cfg.Sessions)
	for i := range g.result.sessions {
		g.result.sessions[i] = g.session(i)
	}
}

// WriteSessions writes one JSON object per session and line, in the state before the close, if
// Generator.KeepSessions was set.
func (r *Report) WriteSessions(w io.Writer) error {
	e := json.NewEncoder(w)
	for _, s := range r.sessions {
		if err := e.Encode(s); err != nil {
			return err
		}
	}
	return nil
}
