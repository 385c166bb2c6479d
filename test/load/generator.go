package main

import (
	"context"
	"net/netip"
	"os"
	"runtime/pprof"
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
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
)

// stage is what the generator is doing with all sessions.
type stage int

const (
	stageDialling stage = iota
	stageHolding
	stageClosing
	stageClosed
)

// generator dials the sessions, and measures.
type generator struct {
	o       *options
	ports   pppoe.Ports
	group   *pppoe.ClientGroup
	began   time.Time
	stage   stage
	onStage func(stage) // called when a stage begins, by the group; nil: not called
	end     context.CancelFunc
	holding context.Context // ends with the hold, and with it the flood
	endHold context.CancelFunc

	clients   []client
	up        upList              // clients with IPv4
	probes    deadlines.Heap[int] // clients whose first packet has no answer
	open      int                 // clients that have all address families
	settled   int                 // clients that are answered or have failed in stageDialling
	result    report
	newcomers newcomers
	flood     *flood        // nil: none
	floodPort datapath.Port // nil: no flood
	flooder   floodSource
	packet    []byte // scratch

	unanswered bool // the server carries no packets: sessions are complete without an answer

	holdUntil   time.Time
	lastTick    time.Time
	churnDue    float64
	trafficDue  float64
	nextChurn   int
	nextTraffic int
}

// client is what the generator knows about a client.
type client struct {
	phaseAt       time.Duration // when the phase in progress began
	dialAt        time.Duration
	local, remote netip.Addr
	upIndex       int32 // in upList; -1: not in it
	want          uint8 // address families that are not up yet
	settled       bool  // it counts in generator.settled
	answered      bool
	probes        uint8 // first packets sent, up to 8
	churned       bool  // it was hung up to be dialled again
}

func newGenerator(o *options, ports pppoe.Ports, floodPort datapath.Port) (*generator, error) {
	g := &generator{o: o, ports: ports, floodPort: floodPort, clients: make([]client, o.addresses()), began: time.Now()}
	for i := range g.clients {
		g.clients[i].upIndex = -1
	}
	cfg := pppoe.ClientGroupConfig{
		Interface: o.iface, Ports: ports, Size: o.addresses(), Spare: extraClients, Client: o.client,
		Discovery: discovery.ClientConfig{Service: o.service},
		Session: session.Config{
			LCP: lcp.Config{
				AllowAuth: []ppp.Method{chap.MD5, chap.MSv2, pap.Method},
				Echo:      lcp.Echo{Interval: o.echo, Failures: 3},
			},
			IPv4: &ipcp.Config{},
			IPv6: &ipv6cp.Config{},
		},
		Rate: o.rate, MaxInProgress: o.inProgress,
		Notify: g.notify, Receive: g.receive, Tick: g.tick,
	}
	if o.acName != "" {
		cfg.Discovery.ACNames = []string{o.acName}
	}
	if o.noIPv6 {
		cfg.Session.IPv6 = nil
	}
	var err error
	g.group, err = pppoe.NewClientGroup(cfg)
	return g, err
}

// run dials, holds, closes, and returns the report.
func (g *generator) run(ctx context.Context) (*report, error) {
	if g.o.cpuProfile != "" {
		f, err := os.Create(g.o.cpuProfile)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, err
		}
		defer pprof.StopCPUProfile()
	}
	ctx, g.end = context.WithCancel(ctx)
	defer g.end()
	g.holding, g.endHold = context.WithCancel(ctx)
	defer g.stopFlood()
	// Ends with run.
	context.AfterFunc(ctx, func() {
		g.group.Call(func(now time.Time) { g.beginStage(now, stageClosing) })
	})
	g.result.Sessions = g.o.sessions
	err := g.group.Run(ctx)
	g.group.Call(func(now time.Time) { g.beginStage(now, stageClosed) })
	return &g.result, err
}

// beginStage begins a stage, unless it or a later one has begun.
func (g *generator) beginStage(now time.Time, s stage) {
	if s <= g.stage && g.stage != stageDialling {
		return
	}
	g.stage = s
	at := now.Sub(g.began)
	switch s {
	case stageHolding:
		g.holdUntil, g.lastTick = now.Add(g.o.hold), now
		g.result.HeapPerSession = heapPerSession(g.open)
		g.startFlood()
	case stageClosing:
		g.result.closingAt = at
		g.result.Open = g.open
		g.countLosses()
	case stageClosed:
		g.result.CloseSeconds = (at - g.result.closingAt).Seconds()
	}
	if g.onStage != nil {
		g.onStage(s)
	}
}

// tickInterval is the interval of ticks.
const tickInterval = 2 * time.Millisecond

// tick sends packets, ends sessions for churn, and moves to the next stage.
func (g *generator) tick(now time.Time) time.Time {
	g.repeatProbes(now)
	switch g.stage {
	case stageDialling:
		if now.Sub(g.began) >= g.o.timeout || g.settled == g.o.sessions {
			g.beginStage(now, stageHolding)
		}
	case stageHolding:
		g.hold(now)
	}
	return now.Add(tickInterval)
}

// drainTime is how long the last packets of the hold may take until they count as lost.
const drainTime = 300 * time.Millisecond

// hold sends packets and ends sessions until the hold is over.
func (g *generator) hold(now time.Time) {
	passed := now.Sub(g.lastTick).Seconds()
	g.lastTick = now
	switch {
	case now.Before(g.holdUntil):
		g.hangUpSome(passed * g.o.churn)
		g.dialNewcomer(now)
		g.sendTraffic(now, passed*g.o.packets.rate)
	case now.Before(g.holdUntil.Add(drainTime)):
		g.endHold()
	default:
		g.beginStage(now, stageClosing)
		g.end()
	}
}

// startFlood starts the flood, if there is one.
func (g *generator) startFlood() {
	if g.floodPort == nil {
		return
	}
	g.flood = newFlood(g.o, g.floodPort, g.flooder)
	// Ends with the hold.
	go g.flood.run(g.holding)
}

// stopFlood stops the flood, and reports it.
func (g *generator) stopFlood() {
	g.endHold()
	if g.flood != nil {
		<-g.flood.finished
		g.floodPort.Close()
		g.result.Flood = floodReport{g.o.flood, g.o.floodFrom, g.flood.sent.Load(), float64(g.flood.sent.Load()) / g.flood.took.Seconds()}
	}
}

// hangUpSome ends sessions, which are dialled again.
func (g *generator) hangUpSome(n float64) {
	for g.churnDue += n; g.churnDue >= 1; g.churnDue-- {
		i := g.nextChurn % g.o.sessions
		g.nextChurn++
		if g.clients[i].upIndex >= 0 {
			g.clients[i].churned = true
			g.group.Hangup(i)
			g.result.Churned++
		}
	}
}
