package ppptest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/trace"
)

// Epoch is when every line begins.
var Epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// maxFrames is how many frames the ends of a line may exchange at one moment:
// more, and they would never stop.
const maxFrames = 500

// Protocol is a control protocol at one end: *lcp.Link, or Machine.
type Protocol interface {
	Open(time.Time, *ppp.Queue) ppp.Signal
	Close(time.Time, string, *ppp.Queue) ppp.Signal
	Down(time.Time) ppp.Signal
	Receive(time.Time, ppp.Control, *ppp.Queue) (ppp.Signal, error)
	Advance(time.Time, *ppp.Queue) ppp.Signal
	Deadline() time.Time
	State() ppp.State
}

// Automaton makes a Protocol of an automaton: its Open finds the layer below there.
type Automaton struct{ *ppp.Automaton }

var _ Protocol = Automaton{}

// Open tells the automaton Open, and then Up.
func (m Automaton) Open(now time.Time, q *ppp.Queue) ppp.Signal {
	return m.Automaton.Open(now, q) | m.Up(now, q)
}

// End is one end of a line.
type End struct {
	Name string
	Protocol
	// Agreed, if set, says in words what was agreed on, for transcripts.
	Agreed func() string

	queue   ppp.Queue
	request ppp.Control // the last Configure-Request sent
	state   ppp.State   // as last told
}

// Delivery is what becomes of a frame on a line.
type Delivery uint8

// Fates.
const (
	Delivered Delivery = iota
	Lost
	Duplicated
	Delayed // behind the frame that follows it, or at the end of the moment
)

// Link carries frames between two ends; or, with one end, from that end to nowhere.
type Link struct {
	Ends []*End
	Now  time.Time
	// Delivery says what becomes of a frame; nil: all arrive.
	Delivery func(from *End, frame []byte) Delivery

	number ppp.Protocol
	flying []flight
	late   []flight // held back
	log    strings.Builder
	err    error
}

// flight is a frame on its way.
type flight struct {
	to    *End
	frame []byte
}

// NewLink makes a line for a protocol of a number.
func NewLink(number ppp.Protocol, ends ...*End) *Link {
	return &Link{Ends: ends, Now: Epoch, number: number}
}

// Err says what went wrong, which never may: a frame that does not parse, a
// deadline in a state without a timer or none in one with it, ends that never stop.
func (l *Link) Err() error { return l.err }

// Do has an end do something, and carries what comes of it.
func (l *Link) Do(e *End, do func(Protocol, *ppp.Queue) ppp.Signal) {
	l.handle(e, do(e.Protocol, &e.queue))
	l.settle()
}

// Open opens all ends at once.
func (l *Link) Open() {
	for _, e := range l.Ends {
		l.handle(e, e.Open(l.Now, &e.queue))
	}
	l.settle()
}

// Wait lets time go by and does what is due.
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
		l.settle()
	}
}

func (l *Link) deadline() (first time.Time) {
	for _, e := range l.Ends {
		first = ppp.Earliest(first, e.Deadline())
	}
	return first
}

// settle carries frames until nothing is left to say.
func (l *Link) settle() {
	for n := 0; len(l.flying)+len(l.late) > 0; n++ {
		if n > maxFrames {
			l.fail("%d frames at one moment", n)
			l.flying, l.late = nil, nil
			return
		}
		if len(l.flying) == 0 {
			l.flying, l.late = l.late, nil
		}
		f := l.flying[0]
		l.flying = l.flying[1:]
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

// handle takes over what an end has to send and to tell.
func (l *Link) handle(e *End, s ppp.Signal) {
	l.send(e)
	if s != 0 || e.state != e.State() {
		l.print(e, "is %v%s", e.State(), words(s))
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
		fate := Delivered
		if l.Delivery != nil {
			fate = l.Delivery(e, frame)
		}
		l.print(e, "sent %s%s", trace.AppendFrame(nil, frame, trace.Options{}), [...]string{"", " (lost)", " (twice)", " (late)"}[fate])
		l.fly(e, frame, fate)
	}
	e.queue.Reset()
}

func (l *Link) fly(from *End, frame []byte, fate Delivery) {
	for _, to := range l.Ends {
		f := flight{to, frame}
		switch {
		case to == from || fate == Lost:
		case fate == Delayed:
			l.late = append(l.late, f)
		case fate == Duplicated:
			l.flying = append(l.flying, f)
			fallthrough
		default:
			l.flying = append(append(l.flying, f), l.late...)
			l.late = nil
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

// words names the signals of a set.
func words(s ppp.Signal) (text string) {
	for i, name := range []string{"LayerUp", "LayerDown", "LayerStarted", "LayerFinished"} {
		if s.Has(1 << i) {
			text += ", " + name
		}
	}
	return text
}
