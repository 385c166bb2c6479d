package explain

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// TextOptions configures WriteText.
type TextOptions struct {
	Packets bool // add each packet in pppd's words
	Summary bool // leave out the ladders
}

// WriteText writes a report for people. All of it is printable.
func (r *Report) WriteText(w io.Writer, o TextOptions) error {
	t := &textWriter{Writer: bufio.NewWriter(w), o: o}
	t.head(r)
	for _, s := range r.Sessions {
		t.session(s)
	}
	return t.Flush()
}

func (t *textWriter) head(r *Report) {
	t.line("%s: %s, %s, %d of PPPoE%s", r.File, r.Format, packets(r.Packets), r.PPPoE, t.span(r))
	for _, n := range r.Notes {
		t.line("Note: %s", n)
	}
	if len(r.Sessions) == 0 {
		return
	}
	count := map[string]int{}
	for _, s := range r.Sessions {
		count[s.Outcome]++
	}
	var all []string
	for _, o := range []string{Established, Failed, Incomplete, Probe} {
		if count[o] > 0 {
			all = append(all, fmt.Sprintf("%d %s", count[o], o))
		}
	}
	t.line("%s: %s", plural(len(r.Sessions), "session"), strings.Join(all, ", "))
	t.firstProblems(r)
}

// firstProblems writes how many sessions have which first problem.
func (t *textWriter) firstProblems(r *Report) {
	if len(r.Sessions) < 2 {
		return
	}
	count, example := map[string]int{}, map[string]*Session{}
	var codes []string
	for _, s := range r.Sessions {
		p := s.Problem()
		if p == nil {
			continue
		}
		if count[p.Code] == 0 {
			codes, example[p.Code] = append(codes, p.Code), s
		}
		count[p.Code]++
	}
	for _, code := range codes {
		s := example[code]
		t.line("  %d x %s, first in session %d: %s", count[code], code, s.Number, s.Problem().Text)
	}
}

func (t *textWriter) session(s *Session) {
	t.line("")
	t.line("%s", s.title())
	t.line("  %s", s.headline())
	t.names = [2]string{"host", "AC"}
	if s.RolesUnknown {
		t.names = [2]string{"peer A", "peer B"}
	}
	t.station(t.names[0], s.Host)
	t.station(t.names[1], s.AC)
	if !t.o.Summary {
		t.ladder(s)
	}
	t.agreed(s)
	t.problems(s)
	for _, n := range s.Notes {
		t.line("  Note: %s", n)
	}
}

// title names a session.
func (s *Session) title() string {
	title := fmt.Sprintf("Session %d", s.Number)
	if s.ID != "" {
		title += ": SESSION_ID " + s.ID
	}
	if s.VLAN != "" {
		title += ", VLAN " + s.VLAN
	}
	if s.Interface != 0 {
		title += fmt.Sprintf(", interface %d of the capture", s.Interface)
	}
	return title
}

// headline says how a session went.
func (s *Session) headline() string {
	text := map[string]string{Established: "Established", Failed: "Failed", Incomplete: "Not established, as far as the capture says",
		Probe: "The host asked which concentrators answer, and requested no session"}[s.Outcome]
	if s.SetupSeconds != nil && s.Outcome == Established {
		text += fmt.Sprintf(" after %s s", seconds(*s.SetupSeconds))
	}
	if e := s.End; e != nil {
		text += fmt.Sprintf("; ended by %s after %s s (%s%s)", s.whoEnded(), seconds(e.Seconds), e.How, spaced(e.Text))
	}
	return text
}

// whoEnded names who ended a session.
func (s *Session) whoEnded() string {
	switch {
	case s.End.By == "host" && s.RolesUnknown:
		return "peer A"
	case s.End.By == "host":
		return "the host"
	case s.End.By == "ac" && s.RolesUnknown:
		return "peer B"
	case s.End.By == "ac":
		return "the AC"
	}
	return s.End.By
}

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', 3, 64) }

func (t *textWriter) station(role string, s Station) {
	text := s.Address
	if text == "" {
		text = "not in the capture"
	}
	if s.Vendor != "" {
		text += " (" + s.Vendor + ")"
	}
	switch {
	case s.Name == "":
	case role != "host":
		text += `, AC-Name "` + s.Name + `"`
	default:
		text += `, user "` + s.Name + `"`
	}
	t.line("  %-6s %s", role, text)
}

// ladder writes the events, each with an arrow in the direction of its packet.
func (t *textWriter) ladder(s *Session) {
	t.line("")
	t.line("  %10s %7s  %-11s %s", "seconds", "packet", t.names[0], t.names[1])
	shown := len(s.Events)
	for i, e := range s.Events {
		if s.OmittedEvents > 0 && i == max(0, shown-maxLast) {
			t.line("  ... %s are left out", plural(s.OmittedEvents, "event"))
		}
		t.event(e)
	}
}

func (t *textWriter) event(e Event) {
	arrow := map[string]string{"host": "|--------->|", "ac": "|<---------|"}[e.From]
	if arrow == "" {
		arrow = "|          |"
	}
	if e.What == trafficRun {
		t.line("  %10s %7d  |   ....   | %s", seconds(e.Seconds), e.Frame, e.Text)
		return
	}
	text := e.What
	if e.Protocol != "" && e.Protocol != "PPPoE" {
		text = e.Protocol + " " + text
	}
	if e.From != "host" && e.From != "ac" && e.From != "" {
		text += " from " + e.From
	}
	text += spaced(e.Text)
	if e.Retransmission {
		text += " (again)"
	}
	if len(e.Problems) > 0 {
		text += "  <== " + strings.Join(e.Problems, ", ")
	}
	t.line("  %10s %7d  %s %s", seconds(e.Seconds), e.Frame, arrow, text)
	if t.o.Packets && e.Packet != "" {
		t.line("%35s %s", "", e.Packet)
	}
	for _, c := range e.Comments {
		t.line("%35s # %s", "", c)
	}
}

func (t *textWriter) agreed(s *Session) {
	g := &s.Agreed
	var lines [][2]string
	add := func(name, format string, args ...any) {
		lines = append(lines, [2]string{name, fmt.Sprintf(format, args...)})
	}
	if g.MaxPayload > 0 {
		add("PPP-Max-Payload", "%d", g.MaxPayload)
	}
	if g.MRU != nil {
		add("MRU", "%s %s, %s %s", t.names[0], orDash(g.MRU.Host), t.names[1], orDash(g.MRU.AC))
	}
	if g.Magic != nil {
		add("Magic-Number", "%s", t.both(g.Magic))
	}
	for _, a := range g.Auth {
		add("authentication", "%s", t.auth(a))
	}
	if g.IPv4 != nil {
		add("IPv4", "%s", t.both(g.IPv4))
	}
	if len(g.DNS) > 0 {
		add("DNS", "%s", strings.Join(g.DNS, ", "))
	}
	if len(g.WINS) > 0 {
		add("WINS", "%s", strings.Join(g.WINS, ", "))
	}
	if g.IPv6 != nil {
		add("IPv6", "%s", t.both(g.IPv6))
	}
	if p := s.Traffic.Packets; p != (Numbers{}) {
		add("data", "%s from %s (%d octets), %s from %s (%d octets)",
			packets(p.Host), t.the(0), s.Traffic.Octets.Host, packets(p.AC), t.the(1), s.Traffic.Octets.AC)
	}
	t.table("Agreed:", lines)
}

func (t *textWriter) table(title string, lines [][2]string) {
	if len(lines) == 0 {
		return
	}
	t.line("")
	t.line("  %s", title)
	for _, l := range lines {
		t.line("    %-16s %s", l[0], l[1])
	}
}

func orDash(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

// the is what an end is called in a sentence.
func (t *textWriter) the(end int) string {
	if t.names[end] == "host" || t.names[end] == "AC" {
		return "the " + t.names[end]
	}
	return t.names[end]
}

func (t *textWriter) both(v *Texts) string {
	var all []string
	for i, value := range []string{v.Host, v.AC} {
		if value != "" {
			all = append(all, t.names[i]+" "+value)
		}
	}
	return strings.Join(all, ", ")
}

func (t *textWriter) auth(a Auth) string {
	end := 0
	if a.By == "ac" {
		end = 1
	}
	result := a.Result
	if result == "none" {
		result = "without a result"
	}
	text := fmt.Sprintf("of %s by %s%s: %s", t.the(end), a.Protocol, userText(a.User), result)
	if a.Message != "" {
		text += ` ("` + a.Message + `")`
	}
	return text
}

func userText(user string) string {
	if user == "" {
		return ""
	}
	return ` as "` + user + `"`
}

// problems writes the first error, and then the rest.
func (t *textWriter) problems(s *Session) {
	first := s.Problem()
	if first != nil {
		t.line("")
		t.line("  First problem: %s", first.Text)
		t.problem(first)
	}
	for i := range s.Problems {
		p := &s.Problems[i]
		switch {
		case p == first:
			continue
		case p.Severity == severityError:
			t.line("  Then: %s", p.Text)
		default:
			t.line("")
			t.line("  Warning: %s", p.Text)
		}
		t.problem(p)
	}
	if len(s.Notes) > 0 {
		t.line("")
	}
}

func (t *textWriter) problem(p *Problem) {
	t.line("    where    packet %d, after %s s: %s", p.Frame, seconds(p.Seconds), p.Code)
	t.line("    standard %s", p.RFC)
	t.line("    to do    %s", wrap(p.Advice, 80, "             "))
}

// wrap breaks a text into lines of at most width characters, all but the first with an indent.
func wrap(text string, width int, indent string) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		switch {
		case column == 0:
		case column+1+len(word) > width:
			b.WriteString("\n" + indent)
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
