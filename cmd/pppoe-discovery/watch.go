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

// kind is what has happened.
type kind string

const (
	appeared kind = "new"
	changed  kind = "changed"
	gone     kind = "gone"
	missing  kind = "missing"  // one that is expected does not answer
	dropped  kind = "left-out" // there were more events than are told in a round
)

// event is told by --watch.
type event struct {
	at      time.Time
	kind    kind
	answer  answer   // whose
	changes []change // of changed
	missing expected // of missing
	count   int      // of dropped
}

// change is what is another than before. Names are a stranger's words.
type change struct {
	What string `json:"what"`
	From string `json:"from"`
	To   string `json:"to"`
}

// maxKnown bounds what is remembered: a forger has more addresses than anybody wants to
// read.
const maxKnown = 1 << 16

// maxEvents bounds how many events of a round are told: a forger can cause some with each frame.
const maxEvents = 8192

// registry knows who is there. It is told answers and the time, and says what is new. It
// is not safe for concurrent use.
type registry struct {
	scanned bool
	missed  int // rounds after which one is gone
	expect  expectation
	known   map[acKey]*entry
	order   []acKey // in which they came
	named   map[nameKey]acKey
	absent  map[expected]bool
}

// nameKey is a name on a VLAN: the first one under it is remembered.
type nameKey struct {
	vlan vlan.Stack
	name string
}

// acKey is where a concentrator answers.
type acKey struct {
	vlan vlan.Stack
	ac   wire.Addr
}

type entry struct {
	answer   answer
	answered bool // in this round
	missed   int  // rounds in a row
}

func newRegistry(f *flags) *registry {
	return &registry{
		scanned: len(f.vlans) > 0, missed: f.missed, expect: f.expect,
		known: make(map[acKey]*entry), named: make(map[nameKey]acKey), absent: make(map[expected]bool),
	}
}

// observe takes an answer.
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

// namesake is the one that has come first of those on the same VLAN with the same name.
func (r *registry) namesake(where acKey, a answer) acKey {
	board := nameKey{a.VLAN, a.Name()}
	if other, taken := r.named[board]; taken && r.known[other] != nil && r.known[other].answer.Name() == board.name {
		return other
	}
	r.named[board] = where
	return where
}

// differences are what a concentrator says otherwise than before.
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

// round is told that everybody had time to answer.
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

// missing tells once of those expected that do not answer, until they do.
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

// watch asks again and again until the context ends, or an alarm is wanted and given.
func (p *program) watch(ctx context.Context, f *flags, port datapath.Port) int {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r, code := newRegistry(f), exitNone
	b := &eventLimiter{emit: func(e event) { p.print(f, e) }}
	tell := func(events []event) {
		for _, e := range events {
			if code == exitUnexpected {
				return // what comes behind the alarm is not waited for
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

// eventLimiter tells events, but not more of a round than anybody wants to read.
type eventLimiter struct {
	emit  func(event)
	count int // in this round, or left out
}

func (b *eventLimiter) add(e event) {
	if b.count++; b.count <= maxEvents {
		b.emit(e)
	}
}

// round ends a round, and tells how many were left out.
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

// String is an event on a line.
func (e event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %-7s", e.at.UTC().Format(time.RFC3339), e.kind)
	if e.kind == missing {
		fmt.Fprintf(&b, " %v", e.missing)
		return b.String()
	}
	if e.kind == dropped {
		fmt.Fprintf(&b, " %d events, of which there were more than %d since the last round", e.count, maxEvents)
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
