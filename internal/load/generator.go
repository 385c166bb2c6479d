package load

import (
	"context"
	"net/netip"
	"time"

	"upppoe/chap"
	"upppoe/internal/deadlines"
	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/pap"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
)

// Stage is what a Generator is doing with all sessions.
type Stage int

// Stages, in order.
const (
	Dialling Stage = iota
	Holding
	Closing
	Closed
)

// Generator dials the sessions, and measures. New makes it.
type Generator struct {
	// OnStage is called when a stage begins, OnProgress then and once a second; nil: not called. Both are
	// called by the goroutine that serves the sessions, and must not block.
	OnStage    func(Stage)
	OnProgress func(Progress)
	// Unanswered: the concentrator carries no packets. Sessions are complete without an answer.
	Unanswered bool
	// KeepSessions: the report has all sessions, for Report.WriteSessions.
	KeepSessions bool

	cfg     *Config
	ports   Ports
	group   *pppoe.ClientGroup
	began   time.Time
	stage   Stage
	end     context.CancelFunc
	holding context.Context // ends with the hold, and with it the flood
	endHold context.CancelFunc

	clients   []client
	up        upList              // clients with IPv4
	probes    deadlines.Heap[int] // clients whose first packet has no answer
	prefixes  prefixClients
	open      int // clients that have all address families
	settled   int // clients that are complete or have failed while dialling
	result    Report
	newcomers newcomers
	flood     *flood // nil: none
	flooder   floodSource
	packet    []byte // scratch

	holdUntil   time.Time
	lastTick    time.Time
	progressAt  time.Time
	churnDue    float64
	trafficDue  float64
	nextChurn   int
	nextTraffic int
}

// client is what the generator knows about a client.
type client struct {
	phaseAt       time.Duration // when the phase in progress began
	dialAt        time.Duration
	ipv4At        time.Duration // when IPCP opened
	local, remote netip.Addr
	upIndex       int32  // in upList; -1: not in it
	want          uint8  // address families that are not up
	failed        uint8  // address families that the peer has not
	measured      uint16 // set of the phases that were measured in this dial
	settled       bool   // it counts in Generator.settled
	answered      bool
	probes        uint8 // first packets sent, up to 8
	churned       bool  // it was hung up to be dialled again
	traffic       sessionTraffic
	prefix        *prefixClient // nil: no prefix is requested
}

// New makes a generator for a configuration that was checked. Run closes the ports.
func New(c *Config, ports Ports) (*Generator, error) {
	g := &Generator{cfg: c, ports: ports, clients: make([]client, c.Addresses())}
	for i := range g.clients {
		g.clients[i].upIndex = -1
	}
	group := pppoe.ClientGroupConfig{
		Interface: c.Interface, Ports: ports.Ports, Size: c.Addresses(), Spare: extraClients, Client: c.Client,
		Discovery: discovery.ClientConfig{Service: c.Service},
		Session: session.Config{
			LCP: lcp.Config{
				AllowAuth: []ppp.Method{chap.MD5, chap.MSv2, pap.Method},
				Echo:      lcp.Echo{Interval: c.Echo, Failures: 3},
			},
			IPv4: &ipcp.Config{},
			IPv6: &ipv6cp.Config{},
		},
		Rate: c.Rate, MaxInProgress: c.InProgress,
		Notify: g.notify, Receive: g.receive, Tick: g.tick,
	}
	if c.ACName != "" {
		group.Discovery.ACNames = []string{c.ACName}
	}
	if c.NoIPv6 {
		group.Session.IPv6 = nil
	}
	var err error
	g.group, err = pppoe.NewClientGroup(group)
	return g, err
}

// Run dials, holds and closes the sessions, and returns the report. The end of the context begins the
// close. The error is that of a lost port; the report is of what happened before.
func (g *Generator) Run(ctx context.Context) (*Report, error) {
	ctx, g.end = context.WithCancel(ctx)
	defer g.end()
	g.holding, g.endHold = context.WithCancel(ctx)
	defer g.stopFlood()
	g.began = time.Now()
	// Ends with Run.
	context.AfterFunc(ctx, func() {
		g.group.Call(func(now time.Time) { g.beginStage(now, Closing) })
	})
	g.result.Sessions = g.cfg.Sessions
	err := g.group.Run(ctx)
	g.group.Call(func(now time.Time) { g.beginStage(now, Closed) })
	g.result.complete()
	return &g.result, err
}

// SetUps returns how many sessions have been set up. It may be called by OnStage.
func (g *Generator) SetUps() int { return g.result.SetUp }

// beginStage begins a stage, unless it or a later one has begun.
func (g *Generator) beginStage(now time.Time, s Stage) {
	if s <= g.stage && g.stage != Dialling {
		return
	}
	g.stage, g.progressAt = s, now
	at := now.Sub(g.began)
	switch s {
	case Holding:
		g.holdUntil, g.lastTick = now.Add(g.cfg.Hold), now
		g.result.HeapPerSession = heapPerSession(g.open)
		g.startFlood()
	case Closing:
		g.result.closingAt = at
		g.result.Open = g.open
		g.countLosses()
	case Closed:
		g.result.CloseSeconds = (at - g.result.closingAt).Seconds()
	}
	if g.OnStage != nil {
		g.OnStage(s)
	}
}

// tickInterval is the interval of ticks.
const tickInterval = 2 * time.Millisecond

// tick sends packets, ends sessions for churn, and moves to the next stage.
func (g *Generator) tick(now time.Time) time.Time {
	g.repeatProbes(now)
	g.advancePrefixes(now)
	g.reportProgress(now)
	switch g.stage {
	case Dialling:
		if now.Sub(g.began) >= g.cfg.Timeout || g.settled == g.cfg.Sessions {
			g.beginStage(now, Holding)
		}
	case Holding:
		g.hold(now)
	}
	return now.Add(tickInterval)
}

// After the hold, the last packets are awaited: for drainTime, in which what a flood has left in queues
// goes, and up to maxDrainTime while answers are missing, which then count as lost.
const (
	drainTime    = 300 * time.Millisecond
	maxDrainTime = 2 * time.Second
)

// drained reports whether the wait for the last packets is over.
func (g *Generator) drained(now time.Time) bool {
	passed, t := now.Sub(g.holdUntil), &g.result.Traffic
	return passed >= maxDrainTime || passed >= drainTime && t.Received >= t.Sent
}

// hold sends packets and ends sessions until the hold is over.
func (g *Generator) hold(now time.Time) {
	passed := now.Sub(g.lastTick).Seconds()
	g.lastTick = now
	switch {
	case now.Before(g.holdUntil):
		g.hangUpSome(passed * g.cfg.churn)
		g.dialNewcomer(now)
		g.sendTraffic(now, passed*g.cfg.packets.rate)
	case !g.drained(now):
		g.endHold()
	default:
		g.beginStage(now, Closing)
		g.end()
	}
}

// startFlood starts the flood, if there is one.
func (g *Generator) startFlood() {
	if g.ports.flood == nil {
		return
	}
	g.flood = newFlood(g.cfg, g.ports.flood, g.flooder)
	// Ends with the hold.
	go g.flood.run(g.holding)
}

// stopFlood stops the flood, and reports it.
func (g *Generator) stopFlood() {
	g.endHold()
	if g.ports.flood != nil {
		defer g.ports.flood.Close()
	}
	if g.flood != nil {
		<-g.flood.finished
		g.result.Flood = floodReport{g.cfg.Flood, g.cfg.FloodFrom, g.flood.sent.Load(), float64(g.flood.sent.Load()) / g.flood.took.Seconds()}
	}
}

// hangUpSome ends sessions, which are dialled again.
func (g *Generator) hangUpSome(n float64) {
	for g.churnDue += n; g.churnDue >= 1; g.churnDue-- {
		i := g.nextChurn % g.cfg.Sessions
		g.nextChurn++
		if g.clients[i].upIndex >= 0 {
			g.clients[i].churned = true
			g.group.Hangup(i)
			g.result.Churned++
		}
	}
}
