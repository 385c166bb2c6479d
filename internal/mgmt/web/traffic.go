package web

import (
	"iter"
	"sync"
	"time"

	"upppoe/pppoe"
)

// maxTrafficInterfaces bounds the interfaces whose traffic is shown by itself.
const maxTrafficInterfaces = 32

// traffic has the traffic of the last hour and of the last day, of all sessions and by interface: about 15 kB for
// each interface.
type traffic struct {
	meter meter
	next  time.Time // of read, which has its own goroutine

	mu sync.Mutex
	of map[string]*trafficHistory // by interface; all: ""
}

// trafficHistory has totals at times.
type trafficHistory struct{ hour, day ring[trafficSample] }

type trafficSample struct {
	at time.Time
	octets
}

// init sets the interfaces.
func (t *traffic) init(interfaces []string) {
	t.meter.interfaces, t.of = make(map[string]bool), make(map[string]*trafficHistory)
	for _, name := range append([]string{""}, interfaces[:min(len(interfaces), maxTrafficInterfaces)]...) {
		t.meter.interfaces[name] = name != ""
		t.of[name] = &trafficHistory{ring[trafficSample]{max: hourSamples}, ring[trafficSample]{max: daySamples}}
	}
}

// read adds a sample. It leaves some out if reading all sessions takes more than a twentieth of the time.
func (t *traffic) read(sessions iter.Seq[pppoe.SessionStatus], now time.Time) {
	if now.Before(t.next) {
		return
	}
	began, n := time.Now(), 0
	t.meter.begin()
	for s := range sessions {
		t.meter.add(&s)
		n++
	}
	totals := t.meter.end(now, n)
	t.next = now.Add(ageFactor * time.Since(began))
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, h := range t.of {
		h.add(trafficSample{now, totals[name]})
	}
}

func (h *trafficHistory) add(s trafficSample) {
	h.hour.add(s)
	if last := h.day.last(); last == nil || s.at.Sub(last.at) > dayFactor*historyStep-historyStep/2 {
		h.day.add(s)
	}
}

// Traffic is the rates of an interface, or of all, over time.
type Traffic struct {
	Interface string    `json:"interface"` // empty: all
	Columns   []string  `json:"columns"`   // of each point: its time, and the rates since the point before
	Points    [][]int64 `json:"points"`    // the oldest first
}

// span returns the rates of an interface; of one that is not known there are none.
func (t *traffic) span(name string, day bool) Traffic {
	t.mu.Lock()
	defer t.mu.Unlock()
	span := Traffic{name, []string{"time", "bits_up", "bits_down"}, [][]int64{}}
	h := t.of[name]
	if h == nil {
		return span
	}
	r := &h.hour
	if day {
		r = &h.day
	}
	r.steps(func(before, now *trafficSample) {
		rates := now.rates(before)
		span.Points = append(span.Points, []int64{now.at.Unix(), int64(rates.Up), int64(rates.Down)})
	})
	return span
}

// Rates are in bits per second, from clients and to them.
type Rates struct {
	Up   uint64 `json:"bits_up"`
	Down uint64 `json:"bits_down"`
}

// rates returns the rates since an earlier sample.
func (s *trafficSample) rates(before *trafficSample) Rates {
	seconds := max(s.at.Sub(before.at).Seconds(), 1e-3)
	n := s.octets.since(before.octets)
	return Rates{uint64(float64(n.up) * 8 / seconds), uint64(float64(n.down) * 8 / seconds)}
}

// now returns the latest rates of an interface; nil: there are none yet.
func (t *traffic) now(name string) *Rates {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.of[name]
	if h == nil || len(h.hour.all) < 2 {
		return nil
	}
	rates := h.hour.last().rates(h.hour.at(len(h.hour.all) - 2))
	return &rates
}
