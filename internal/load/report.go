package load

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"runtime/metrics"
	"slices"
	"strings"
	"time"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
)

// Report is the result of a run. Its fields are the JSON report.
type Report struct {
	Sessions          int
	Dials             int
	SetUp             int     // sessions set up before the hold: all network protocols open
	SetUpSeconds      float64 // until the last of them
	SetUpsPerSecond   float64
	Configured        int     // whose first packet was answered before the hold
	ConfiguredSeconds float64 // until the last of them
	ConfiguredPerSec  float64
	Open              int            // at the end of the hold
	Churned           int            // sessions that were ended to be dialled again
	Failures          map[string]int // dials that failed, by reason
	Lost              map[string]int // open sessions that ended by themselves, by reason
	CloseSeconds      float64        // until all have ended
	Phases            []PhaseReport
	Echoes            echoReport
	Traffic           trafficReport
	Newcomers         newcomerReport
	Flood             floodReport
	OtherPackets      int               // received, not ours
	Drops             map[string]uint64 // received frames that were dropped, by reason
	SocketDrops       uint64            // frames for which our sockets had no room
	SentFrames        uint64
	ReceivedFrames    uint64
	HeapPerSession    int             // octets of the generator's live heap, at the beginning of the hold
	Prefixes          int             // sessions with a delegated prefix, at the end of the hold
	Worst             []SessionReport // those that have lost the largest share of their packets, at most 5

	phases        [phaseCount]histogram
	rtt           histogram
	newcomers     histogram
	flooderEchoes uint64 // lost by the session that floods
	setUpAt       time.Duration
	configuredAt  time.Duration
	closingAt     time.Duration
	sessions      []SessionReport // all, if they are wanted
}

// PhaseReport is how long something has taken.
type PhaseReport struct {
	Name               string
	Count              int
	P50, P90, P99, Max float64 // milliseconds
}

type echoReport struct{ Sent, Answered, Lost uint64 }

type floodReport struct {
	Kind, From      string
	Sent            uint64
	FramesPerSecond float64
}

type trafficReport struct {
	Sent, Received uint64
	LossPercent    float64
	RTT            PhaseReport
}

func newPhaseReport(name string, h *histogram) PhaseReport {
	return PhaseReport{name, h.count, milliseconds(h.percentile(50)), milliseconds(h.percentile(90)), milliseconds(h.percentile(99)), milliseconds(h.max)}
}

// heapPerSession returns the live heap after the last garbage collection, for each session; 0: there is none.
func heapPerSession(sessions int) int {
	if sessions == 0 {
		return 0
	}
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return int(s[0].Value.Uint64()) / sessions
}

// countLosses reads the counters of the group at the end of the hold.
func (g *Generator) countLosses() {
	r, c := &g.result, g.group.Counters()
	r.Prefixes, r.Worst = g.prefixes.bound, g.worst()
	g.keepSessions()
	r.Echoes = echoReport{c.SentEchoes, c.EchoReplies, c.LostEchoes - r.flooderEchoes}
	r.SentFrames, r.ReceivedFrames, r.Drops = c.SentFrames, c.ReceivedFrames, map[string]uint64{}
	for reason, n := range g.group.Drops() {
		r.Drops[reason.Error()] = n
	}
	if n := g.prefixes.late; n > 0 {
		r.Drops["DHCPv6: "+dhcp6.ErrUnexpected.Error()] = n
	}
	for _, port := range []datapath.Port{g.ports.Discovery, g.ports.Session} {
		if p, ok := port.(*afpacket.Port); ok {
			s, _ := p.Stats() // of a lost port: what was read before
			r.SocketDrops += s.Dropped
		}
	}
}

// complete computes what follows from what was measured.
func (r *Report) complete() {
	r.Phases = nil
	for p := range phaseCount {
		r.Phases = append(r.Phases, newPhaseReport(phaseNames[p], &r.phases[p]))
	}
	rate := func(n int, d time.Duration) float64 { return float64(n) / max(d.Seconds(), 1e-9) }
	if r.SetUp > 0 {
		r.SetUpSeconds, r.SetUpsPerSecond = r.setUpAt.Seconds(), rate(r.SetUp, r.setUpAt)
	}
	if r.Configured > 0 {
		r.ConfiguredSeconds, r.ConfiguredPerSec = r.configuredAt.Seconds(), rate(r.Configured, r.configuredAt)
	}
	r.Newcomers.Answered = newPhaseReport("newcomer: PADI to first answer", &r.newcomers)
	if t := &r.Traffic; t.Sent > 0 {
		t.LossPercent = 100 * (1 - float64(t.Received)/float64(t.Sent))
		t.RTT = newPhaseReport("packet there and back", &r.rtt)
	}
}

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Text returns the report for people.
func (r *Report) Text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("sessions             %d of %d set up in %.2f s: %.0f/s", r.SetUp, r.Sessions, r.SetUpSeconds, r.SetUpsPerSecond)
	line("packets flow         %d after %.2f s: %.0f/s", r.Configured, r.ConfiguredSeconds, r.ConfiguredPerSec)
	line("at the end           %d open, closed in %.2f s; %d dials, %d ended for churn", r.Open, r.CloseSeconds, r.Dials, r.Churned)
	line("frames               %d sent, %d received; %d lost at our sockets", r.SentFrames, r.ReceivedFrames, r.SocketDrops)
	if r.HeapPerSession > 0 {
		line("generator            %d octets of live heap a session", r.HeapPerSession)
	}
	line("echoes               %d sent, %d answered, %d lost", r.Echoes.Sent, r.Echoes.Answered, r.Echoes.Lost)
	if r.Prefixes > 0 {
		line("prefixes             %d delegated at the end", r.Prefixes)
	}
	if t := r.Traffic; t.Sent > 0 {
		line("packets              %d sent, %d received (%.3f %% lost)", t.Sent, t.Received, t.LossPercent)
	}
	if f := r.Flood; f.Sent > 0 {
		line("flood                %s, %s: %d frames, %.0f/s", f.Kind, f.From, f.Sent, f.FramesPerSecond)
	}
	if n := r.Newcomers; n.Dials > 0 {
		line("newcomers            %d of %d got through, %d failed", n.Answered.Count, n.Dials, n.Failed)
	}
	writeCounts(&b, "failed dials", r.Failures)
	writeCounts(&b, "lost sessions", r.Lost)
	writeCounts(&b, "dropped frames", r.Drops)
	for _, w := range r.Worst {
		line("most loss            %.1f %% of %d packets: %s, client %d, %s %s", w.LossPercent, w.Sent, w.User, w.Client, w.MAC, w.VLAN)
	}
	line("%-31s %8s %9s %9s %9s %9s", "milliseconds", "count", "p50", "p90", "p99", "max")
	for _, p := range append(slices.Clone(r.Phases), r.Traffic.RTT, r.Newcomers.Answered) {
		if p.Count > 0 {
			line("%-31s %8d %9.2f %9.2f %9.2f %9.2f", p.Name, p.Count, p.P50, p.P90, p.P99, p.Max)
		}
	}
	return b.String()
}

func writeCounts[N int | uint64](b *strings.Builder, title string, counts map[string]N) {
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(b, "%-20s %d × %s\n", title, counts[reason], reason)
	}
}
