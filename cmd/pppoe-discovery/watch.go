package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
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

// maxEvents limits the reported events of a round, as an attacker can cause some with each frame.
const maxEvents = 8192

// watch asks repeatedly until the context ends, or with --alarm until an unexpected one answers.
func (p *program) watch(ctx context.Context, f *flags, port datapath.Port) int {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r, code := newRegistry(f), exitNone
	b := &eventLimiter{emit: func(e event) {
		p.print(f, e)
		if e.kind == appeared || e.kind == changed {
			p.comment(e.answer)
		}
	}}
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
	fmt.Fprintf(&b, " %v %s", a.AC, wire.Quote(a.Name()))
	if a.scanned {
		fmt.Fprintf(&b, " on VLAN %v", a.VLAN)
	}
	if v := vendor(a.AC); v != "" {
		fmt.Fprintf(&b, " (%s)", v)
	}
	for _, c := range e.changes {
		fmt.Fprintf(&b, ", %s %s -> %s", c.What, wire.Quote(c.From), wire.Quote(c.To))
	}
	if e.kind == appeared {
		fmt.Fprintf(&b, ", services %s, %.3f ms", quoted(services(a.Tags)), a.milliseconds())
	}
	if a.unexpected && e.kind != gone {
		b.WriteString(", UNEXPECTED")
	}
	return b.String()
}
