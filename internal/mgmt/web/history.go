package web

import (
	"context"
	"net/http"
	"sync"
	"time"

	"upppoe/pppoe"
)

// historyStep is the time between two samples of the last hour, and dayFactor the number of them between two
// of the last day.
const (
	historyStep = 10 * time.Second
	dayFactor   = 30
	hourSamples = int(time.Hour/historyStep) + 1
	daySamples  = int(24*time.Hour/(dayFactor*historyStep)) + 1
)

// counts are a server's numbers at a time: how many sessions there are, and totals.
type counts struct {
	at       int64 // Unix time in seconds
	sessions int
	online   int
	totals   [historyTotals]uint64
}

// Totals of counts.
const (
	totalSetUps = iota // sessions that came online
	totalFailed        // sessions that ended before
	totalRejected
	totalEnded // sessions that ended after
	historyTotals
)

func countsOf(s *pppoe.Stats, at time.Time) counts {
	c := counts{at: at.Unix(), sessions: s.Sessions, online: s.Online}
	c.totals[totalSetUps], c.totals[totalRejected] = s.Opened, s.Rejected
	for _, n := range s.Failed {
		c.totals[totalFailed] += n
	}
	for _, n := range s.Ended {
		c.totals[totalEnded] += n
	}
	return c
}

// points returns for each sample but the oldest what is in Span.Columns.
func points(r *ring[counts]) [][]int64 {
	points := make([][]int64, 0, len(r.all))
	r.steps(func(before, c *counts) {
		point := []int64{c.at, int64(c.sessions), int64(c.online)}
		for total := range historyTotals {
			point = append(point, int64(c.totals[total]-min(before.totals[total], c.totals[total])))
		}
		points = append(points, point)
	})
	return points
}

// history has a server's numbers of the last hour and of the last day, in about 50 kB.
type history struct {
	mu        sync.Mutex
	samples   int
	hour, day ring[counts]
}

// add adds a sample. Samples are historyStep apart.
func (h *history) add(c counts) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hour.max, h.day.max = hourSamples, daySamples
	h.hour.add(c)
	if h.samples%dayFactor == 0 {
		h.day.add(c)
	}
	h.samples++
}

// Span is the numbers of a time.
type Span struct {
	Step    int       `json:"step"`    // seconds between two points
	Columns []string  `json:"columns"` // of each point: its time, what there was then, and what was new in the step before
	Points  [][]int64 `json:"points"`  // the oldest first
	Traffic Traffic   `json:"traffic"`
}

func (h *history) span(day bool) Span {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := Span{Step: int(historyStep / time.Second), Columns: []string{"time", "sessions", "online", "set_up", "failed", "rejected", "ended"}}
	if day {
		s.Step *= dayFactor
		s.Points = points(&h.day)
	} else {
		s.Points = points(&h.hour)
	}
	return s
}

// keepHistory adds samples until the context ends.
func (s *Server) keepHistory(ctx context.Context) {
	tick := time.NewTicker(historyStep)
	defer tick.Stop()
	for {
		now := time.Now()
		stats := s.program.Server.Stats()
		s.history.add(countsOf(&stats, now))
		s.traffic.read(s.program.Server.Sessions(), now)
		s.table.forget(now)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) serveHistory(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	day := query.Get("span") == "day"
	span := s.history.span(day)
	span.Traffic = s.traffic.span(query.Get("interface"), day)
	writeJSON(w, span)
}
