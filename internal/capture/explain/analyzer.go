package explain

import (
	"errors"
	"fmt"
	"io"
	"time"

	"upppoe/internal/capture/reader"
	"upppoe/pppoe/wire"
)

// Options configures an Analyzer.
type Options struct {
	// ShowPasswords shows passwords of PAP and of EAP's types that send them as text.
	ShowPasswords bool
	// MaxSessions bounds the sessions that are kept; 0: 4096. Beyond it, those that ended well make room
	// for others, and are counted.
	MaxSessions int
	// Vendor returns the vendor of an Ethernet address, or ""; nil: vendors are not shown.
	Vendor func(wire.Addr) string
}

const defaultMaxSessions = 4096

// Analyzer explains the packets of a capture. It must not be used concurrently.
type Analyzer struct {
	opt    Options
	report Report
	reorder
	table
	end     time.Time // of the last packet
	latest  *conversation
	other   census
	answers answers
	budget  int // octets of text that events may still take
}

// textBudget bounds the text of all events, in octets.
const textBudget = 96 << 20

// New returns an Analyzer.
func New(o Options) *Analyzer {
	if o.MaxSessions == 0 {
		o.MaxSessions = defaultMaxSessions
	}
	return &Analyzer{opt: o, table: newTable(o.MaxSessions), budget: textBudget}
}

// Read adds all packets of a capture, and returns its report. A capture that is cut is explained up to
// there, and a note says so. stop is called now and then: reading ends if it returns true; it may be nil.
func (a *Analyzer) Read(r *reader.Reader, stop func() bool) *Report {
	a.report.Format = r.Format()
	for n := 0; ; n++ {
		if stop != nil && n%1024 == 0 && stop() {
			a.note(fmt.Sprintf("Reading was interrupted after packet %d.", a.report.Packets))
			break
		}
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			a.note(upperFirst(err.Error()) + ". What was captured before is explained.")
			break
		}
		a.Add(&p)
	}
	return a.Report()
}

// Add adds a packet. It keeps no reference to its data, which it may change.
func (a *Analyzer) Add(p *reader.Packet) {
	a.report.Packets++
	if y := p.Time.Year(); y < 1970 || y > maxYear {
		p.Time = time.Time{}
	}
	if !p.Time.IsZero() {
		a.clock(p.Time)
	}
	if len(p.Data) == 0 && len(p.Comments) > 0 {
		a.reorder.add(frame{number: p.Number, at: p.Time, comments: p.Comments}, a.handle)
		return
	}
	f, k := parseFrame(p)
	if k != isPPPoE {
		a.other.count(p, k)
		return
	}
	a.report.PPPoE++
	if f.truncated {
		a.other.truncated++
	}
	if p.Streamed {
		a.other.streamed++
	}
	a.reorder.add(f, a.handle)
}

// maxYear bounds times, which a damaged file may have of any year, to what RFC 3339 can express.
const maxYear = 9999

// clock notes the time of a packet.
func (a *Analyzer) clock(t time.Time) {
	if a.report.First == nil || t.Before(*a.report.First) {
		first := t
		a.report.First = &first
	}
	if t.After(a.end) {
		a.end = t
	}
}

// handle explains a frame, in order.
func (a *Analyzer) handle(f *frame) {
	switch {
	case f.isComment():
		a.comment(f)
	case f.discovery:
		a.discovery(f)
	default:
		a.session(f)
	}
}

// isComment reports whether the frame is comments without a packet.
func (f *frame) isComment() bool { return f.packet == nil && !f.data && len(f.comments) > 0 }

// comment adds comments without a packet to the session of the frame before them.
func (a *Analyzer) comment(f *frame) {
	if a.latest == nil {
		for _, c := range f.comments {
			a.note("Comment: " + wire.EscapeText(c))
		}
		return
	}
	a.event(a.latest, f, noSide, Event{What: "comment"})
}

// maxNotes bounds the notes about a capture, and those about a session.
const maxNotes = 32

func (a *Analyzer) note(text string) {
	if len(a.report.Notes) < maxNotes {
		a.report.Notes = append(a.report.Notes, text)
	}
}

// Report returns what was explained. Nothing may be added after it.
func (a *Analyzer) Report() *Report {
	a.flush(a.handle)
	if !a.end.IsZero() {
		end := a.end
		a.report.Last = &end
	}
	a.noteCapture()
	a.report.Sessions = []*Session{}
	for _, c := range a.all() {
		a.finish(c)
		c.s.Number = len(a.report.Sessions) + 1
		a.report.Sessions = append(a.report.Sessions, &c.s)
	}
	if a.report.Notes == nil {
		a.report.Notes = []string{}
	}
	return &a.report
}
