package load

import (
	"fmt"
	"time"
)

// Progress is how far a Generator is.
type Progress struct {
	Stage    Stage
	Elapsed  time.Duration
	Sessions int // to set up
	SetUp    int // so far; redials do not count
	Open     int // now
	Prefixes int // delegated now
	Failed   int // dials
	Lost     int // open sessions that ended by themselves
	Sent     uint64
	Received uint64 // packets of the traffic
}

// progressInterval is the interval of Generator.OnProgress.
const progressInterval = time.Second

// reportProgress calls OnProgress if it is due.
func (g *Generator) reportProgress(now time.Time) {
	if g.OnProgress == nil || now.Before(g.progressAt) {
		return
	}
	g.progressAt = now.Add(progressInterval)
	r := &g.result
	g.OnProgress(Progress{
		Stage: g.stage, Elapsed: now.Sub(g.began), Sessions: r.Sessions, SetUp: r.SetUp, Open: g.open, Prefixes: g.prefixes.bound,
		Failed: total(r.Failures), Lost: total(r.Lost), Sent: r.Traffic.Sent, Received: r.Traffic.Received,
	})
}

func total(counts map[string]int) (n int) {
	for _, some := range counts {
		n += some
	}
	return n
}

var stageNames = [...]string{Dialling: "dialling", Holding: "holding", Closing: "closing", Closed: "closed"}

// String returns the stage in a word.
func (s Stage) String() string { return stageNames[s] }

// String returns one line.
func (p Progress) String() string {
	line := fmt.Sprintf("%4.0fs %s: %d of %d set up, %d open", p.Elapsed.Seconds(), p.Stage, p.SetUp, p.Sessions, p.Open)
	for _, more := range []struct {
		n    int
		what string
	}{{p.Prefixes, "with a prefix"}, {p.Failed, "dials failed"}, {p.Lost, "lost"}} {
		if more.n > 0 {
			line += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	if p.Sent > 0 {
		line += fmt.Sprintf("; packets: %d sent, %d received", p.Sent, p.Received)
	}
	return line
}
