package main

import (
	"strings"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// registry has the known concentrators. It receives answers and the time, and returns events. It must not
// be used concurrently.
type registry struct {
	scanned bool
	missed  int // rounds without an answer after which one is gone
	expect  expectation
	known   map[acKey]*entry
	order   []acKey // in the order of their appearance
	named   map[nameKey]acKey
	absent  map[expected]bool
}

// maxKnown limits the known concentrators, as an attacker can forge any number of addresses.
const maxKnown = 1 << 16

// nameKey identifies an AC-Name on a VLAN. The first concentrator with it is kept.
type nameKey struct {
	vlan vlan.Stack
	name string
}

// acKey identifies a concentrator by its VLAN and address.
type acKey struct {
	vlan vlan.Stack
	ac   wire.Addr
}

type entry struct {
	answer   answer
	answered bool // in this round
	missed   int  // consecutive rounds
}

func newRegistry(f *flags) *registry {
	return &registry{
		scanned: len(f.vlans) > 0, missed: f.missed, expect: f.expect,
		known: make(map[acKey]*entry), named: make(map[nameKey]acKey), absent: make(map[expected]bool),
	}
}

// observe handles an answer.
func (r *registry) observe(at time.Time, s pppoe.ScanResult) []event {
	a := answer{ScanResult: s, scanned: r.scanned, unexpected: r.expect.unexpected(s.Offer)}
	where := acKey{s.VLAN, s.AC}
	if e := r.known[where]; e != nil {
		changes := differences(e.answer, a)
		*e = entry{answer: a, answered: true}
		r.namesake(where, a)
		if len(changes) == 0 {
			return nil
		}
		return []event{{at: at, kind: changed, answer: a, changes: changes}}
	}
	if len(r.known) >= maxKnown {
		return nil
	}
	e := event{at: at, kind: appeared, answer: a}
	r.known[where] = &entry{answer: a, answered: true}
	if other := r.namesake(where, a); other != where {
		e.kind, e.changes = changed, []change{{"address", other.ac.String(), a.AC.String()}}
	}
	r.order = append(r.order, where)
	return []event{e}
}

// namesake returns the first of the concentrators on the same VLAN with the same name.
func (r *registry) namesake(where acKey, a answer) acKey {
	board := nameKey{a.VLAN, a.Name()}
	if other, taken := r.named[board]; taken && r.known[other] != nil && r.known[other].answer.Name() == board.name {
		return other
	}
	r.named[board] = where
	return where
}

// differences returns the changed properties of a concentrator.
func differences(before, now answer) (all []change) {
	for _, c := range []change{
		{"name", before.Name(), now.Name()},
		{"services", strings.Join(services(before.Tags), ", "), strings.Join(services(now.Tags), ", ")},
		{"error", refusal(before), refusal(now)},
	} {
		if c.From != c.To {
			all = append(all, c)
		}
	}
	return all
}

func refusal(a answer) string {
	e, refused := a.Tags.FindError()
	if !refused {
		return ""
	}
	return strings.TrimSpace(e.Tag.String() + " " + e.Text)
}

// round ends a round, when all concentrators had time to answer.
func (r *registry) round(at time.Time) (events []event) {
	left := r.order[:0]
	for _, where := range r.order {
		e := r.known[where]
		if e.answered {
			e.missed = 0
		} else {
			e.missed++
		}
		e.answered = false
		if e.missed < r.missed {
			left = append(left, where)
			continue
		}
		delete(r.known, where)
		if board := (nameKey{where.vlan, e.answer.Name()}); r.named[board] == where {
			delete(r.named, board)
		}
		events = append(events, event{at: at, kind: gone, answer: e.answer})
	}
	r.order = left
	return append(events, r.missing(at)...)
}

// missing returns an event for each expected concentrator that does not answer, once until it does.
func (r *registry) missing(at time.Time) (events []event) {
	var offers []discovery.Offer
	for _, where := range r.order {
		offers = append(offers, r.known[where].answer.Offer)
	}
	absent := make(map[expected]bool)
	for _, e := range r.expect.missing(offers) {
		absent[e] = true
		if !r.absent[e] {
			events = append(events, event{at: at, kind: missing, missing: e})
		}
	}
	r.absent = absent
	return events
}
