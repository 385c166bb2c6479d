package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// kind is the kind of an event, as it is printed.
type kind string

const (
	appeared kind = "new"
	changed  kind = "changed"
	gone     kind = "gone"
	missing  kind = "missing"  // an expected one does not answer
	dropped  kind = "left-out" // there were more events in a round than are reported
)

// event is an event of --watch.
type event struct {
	at      time.Time
	kind    kind
	answer  answer   // of the concentrator
	changes []change // of changed
	missing expected // of missing
	count   int      // of dropped
}

// change is a changed property of a concentrator. Its texts are untrusted.
type change struct {
	What string `json:"what"`
	From string `json:"from"`
	To   string `json:"to"`
}

// maxKnown limits the known concentrators, as an attacker can forge any number of addresses.
const maxKnown = 1 << 16

// maxEvents limits the reported events of a round, as an attacker can cause some with each frame.
const maxEvents = 8192

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

// watch asks repeatedly until the context ends, or with --alarm until an unexpected one answers.
func (p *program) watch(ctx context.Context, f *flags, port datapath.Port) int {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r, code := newRegistry(f), exitNone
	b := &eventLimiter{emit: func(e event) { p.print(f, e) }}
	tell := func(events []event) {
		for _, e := range events {
			if code == exitUnexpected {
				return // after the alarm
			}
			b.add(e)
			switch {
			case e.kind != appeared && e.kind != changed:
			case e.answer.unexpected && f.alarm:
				code = exitUnexpected
				stop()
			case !e.answer.refused():
				code = exitFound
			}
		}
	}
	cfg := f.scan()
	cfg.RoundDone = func(now time.Time) {
		tell(r.round(now))
		b.round(now)
	}
	err := pppoe.Scan(ctx, port, cfg, func(s pppoe.ScanResult) { tell(r.observe(time.Now(), s)) })
	if err != nil {
		return p.fail(err)
	}
	return code
}

// eventLimiter reports at most maxEvents events per round.
type eventLimiter struct {
	emit  func(event)
	count int // in this round, with dropped ones
}

func (b *eventLimiter) add(e event) {
	if b.count++; b.count <= maxEvents {
		b.emit(e)
	}
}

// round ends a round, and reports how many events were dropped.
func (b *eventLimiter) round(at time.Time) {
	if b.count > maxEvents {
		b.emit(event{at: at, kind: dropped, count: b.count - maxEvents})
	}
	b.count = 0
}

func (p *program) print(f *flags, e event) {
	switch {
	case f.quiet:
	case f.json:
		p.printJSON(e)
	default:
		fmt.Fprintln(p.out, e)
		if f.verbose && (e.kind == appeared || e.kind == changed) {
			for t := range e.answer.Tags.All() {
				verbose{p.out}.tag(t)
			}
		}
	}
}

// String returns the event on one line.
func (e event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %-7s", e.at.UTC().Format(time.RFC3339), e.kind)
	if e.kind == missing {
		fmt.Fprintf(&b, " %v", e.missing)
		return b.String()
	}
	if e.kind == dropped {
		fmt.Fprintf(&b, " %d events, as there were more than %d since the last round", e.count, maxEvents)
		return b.String()
	}
	a := e.answer
	fmt.Fprintf(&b, " %v %s", a.AC, quote(a.Name()))
	if a.scanned {
		fmt.Fprintf(&b, " on VLAN %v", a.VLAN)
	}
	if v := vendor(a.AC); v != "" {
		fmt.Fprintf(&b, " (%s)", v)
	}
	for _, c := range e.changes {
		fmt.Fprintf(&b, ", %s %s -> %s", c.What, quote(c.From), quote(c.To))
	}
	if e.kind == appeared {
		fmt.Fprintf(&b, ", services %s, %.3f ms", quoted(services(a.Tags)), a.milliseconds())
	}
	if a.unexpected && e.kind != gone {
		b.WriteString(", UNEXPECTED")
	}
	return b.String()
}
