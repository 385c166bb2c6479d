package ppptest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/trace"
)

// Epoch is the time at which every link begins.
var Epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// maxFrames bounds the frames that the ends exchange without time passing: with more, they
// would never stop.
const maxFrames = 500

// Protocol is a control protocol at one end: *lcp.Link, or Automaton.
type Protocol interface {
	Open(time.Time, *ppp.Queue) ppp.Signal
	Close(time.Time, string, *ppp.Queue) ppp.Signal
	Down(time.Time) ppp.Signal
	Receive(time.Time, ppp.Control, *ppp.Queue) (ppp.Signal, error)
	Advance(time.Time, *ppp.Queue) ppp.Signal
	Deadline() time.Time
	State() ppp.State
}

// Automaton makes a Protocol of a ppp.Automaton: its Open is the events Open and Up.
type Automaton struct{ *ppp.Automaton }

var _ Protocol = Automaton{}

// Open is the events Open and Up of the automaton.
func (a Automaton) Open(now time.Time, q *ppp.Queue) ppp.Signal {
	return a.Automaton.Open(now, q) | a.Up(now, q)
}

// End is one end of a link.
type End struct {
	Name string
	Protocol
	// Agreed, if set, returns what was agreed on, for transcripts.
	Agreed func() string

	queue   ppp.Queue
	request ppp.Control // the last Configure-Request sent
	state   ppp.State   // as last printed
}

// Delivery is what happens to a frame on a link.
type Delivery uint8

// Deliveries.
const (
	Delivered Delivery = iota
	Lost
	Duplicated
	Delayed // until after the next frame, or until no other frame is in flight
)

// Link carries frames between two ends. With one end, its frames are not delivered.
type Link struct {
	Ends []*End
	Now  time.Time
	// Delivery returns what happens to a frame; nil: all are delivered.
	Delivery func(from *End, frame []byte) Delivery

	protocol ppp.Protocol
	inFlight []flight
	delayed  []flight
	log      strings.Builder
	err      error
}

// flight is a frame in flight.
type flight struct {
	to    *End
	frame []byte
}

// NewLink returns a link for a control protocol.
func NewLink(protocol ppp.Protocol, ends ...*End) *Link {
	return &Link{Ends: ends, Now: Epoch, protocol: protocol}
}

// Err returns an error that must not happen: a frame that does not parse, a state with a
// timer but without a deadline, or ends that never stop.
func (l *Link) Err() error { return l.err }

// Do calls a function with an end, and delivers the frames that follow from it.
func (l *Link) Do(e *End, do func(Protocol, *ppp.Queue) ppp.Signal) {
	l.handle(e, do(e.Protocol, &e.queue))
	l.deliver()
}

// Open opens all ends at once.
func (l *Link) Open() {
	for _, e := range l.Ends {
		l.handle(e, e.Open(l.Now, &e.queue))
	}
	l.deliver()
}

// Wait advances the time by d, and calls Advance at each deadline.
func (l *Link) Wait(d time.Duration) {
	for end := l.Now.Add(d); ; {
		next := l.deadline()
		if next.IsZero() || next.After(end) {
			l.Now = end
			return
		}
		l.Now = next
		for _, e := range l.Ends {
			l.handle(e, e.Advance(l.Now, &e.queue))
		}
		l.deliver()
	}
}

func (l *Link) deadline() (first time.Time) {
	for _, e := range l.Ends {
		first = ppp.Earliest(first, e.Deadline())
	}
	return first
}

// deliver delivers frames until none is in flight.
func (l *Link) deliver() {
	for n := 0; len(l.inFlight)+len(l.delayed) > 0; n++ {
		if n > maxFrames {
			l.fail("%d frames without time passing", n)
			l.inFlight, l.delayed = nil, nil
			return
		}
		if len(l.inFlight) == 0 {
			l.inFlight, l.delayed = l.delayed, nil
		}
		f := l.inFlight[0]
		l.inFlight = l.inFlight[1:]
		_, information, _ := ppp.ParseFrame(f.frame)
		c, err := ppp.ParseControl(information)
		if err != nil {
			l.fail("sent % x: %v", f.frame, err)
			continue
		}
		l.receive(f.to, c)
	}
}

func (l *Link) receive(e *End, c ppp.Control) {
	s, err := e.Receive(l.Now, c, &e.queue)
	if err != nil {
		l.print(e, "drops %s", err)
	}
	l.handle(e, s)
}

// handle transmits the frames of an end, and prints its signals and state.
func (l *Link) handle(e *End, s ppp.Signal) {
	l.send(e)
	if s != 0 || e.state != e.State() {
		l.print(e, "is %v%s", e.State(), signalNames(s))
	}
	if s.Has(ppp.LayerUp) && e.Agreed != nil {
		l.print(e, "has %s", e.Agreed())
	}
	e.state = e.State()
	if timed := e.state >= ppp.Closing && e.state <= ppp.AckSent; timed && e.Deadline().IsZero() {
		l.fail("%s is %v without a deadline", e.Name, e.state)
	}
}

func (l *Link) send(e *End) {
	for frame := range e.queue.All() {
		frame = slices.Clone(frame)
		if c, err := ppp.ParseControl(frame[2:]); err == nil && c.Code == ppp.ConfigureRequest {
			e.request = c
		}
		delivery := Delivered
		if l.Delivery != nil {
			delivery = l.Delivery(e, frame)
		}
		l.print(e, "sent %s%s", trace.AppendFrame(nil, frame, trace.Options{}), [...]string{"", " (lost)", " (twice)", " (late)"}[delivery])
		l.transmit(e, frame, delivery)
	}
	e.queue.Reset()
}

func (l *Link) transmit(from *End, frame []byte, delivery Delivery) {
	for _, to := range l.Ends {
		f := flight{to, frame}
		switch {
		case to == from || delivery == Lost:
		case delivery == Delayed:
			l.delayed = append(l.delayed, f)
		case delivery == Duplicated:
			l.inFlight = append(l.inFlight, f)
			fallthrough
		default:
			l.inFlight = append(append(l.inFlight, f), l.delayed...)
			l.delayed = nil
		}
	}
}

func (l *Link) print(e *End, format string, args ...any) {
	fmt.Fprintf(&l.log, "%-6v %s ", l.Now.Sub(Epoch), e.Name)
	fmt.Fprintf(&l.log, format+"\n", args...)
}

func (l *Link) fail(format string, args ...any) {
	if l.err == nil {
		l.err = fmt.Errorf(format, args...)
	}
}

// signalNames returns the names of the signals in a set.
func signalNames(s ppp.Signal) (text string) {
	for i, name := range []string{"LayerUp", "LayerDown", "LayerStarted", "LayerFinished"} {
		if s.Has(1 << i) {
			text += ", " + name
		}
	}
	return text
}
