package top

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"upppoe/internal/mgmt/status"
	"upppoe/internal/mgmt/table"
	"upppoe/internal/mgmt/units"
)

const clientHelp = `up, down, PgUp, PgDn, Home, End   select a client, or scroll
Enter                             show the selected client
Esc                               back to the list, if there are several clients
p, space                          stop reading, and go on
?                                 this help
q, Ctrl-C                         quit

up, down: rates now, and a graph of the last minute. Loss: LCP Echo-Requests that had no answer when the next was sent.`

func (v *clientView) lines(width, height int) []Line {
	v.rows = max(0, height-2)
	var body []Line
	switch {
	case v.help:
		body, v.offset = page(normal(wrap(clientHelp, width)), v.offset, v.rows)
	case v.at.IsZero() && v.err == nil:
		body = []Line{{Text: "reading the clients ..."}}
	case v.chosen != 0:
		body, v.offset = page(v.clientLines(width), v.offset, v.rows)
	case len(v.order) > 0:
		body = v.listLines(width)
	case v.err == nil:
		body = []Line{{Text: "no pppoe-client is running"}}
	}
	return fit(append(append(v.condition(), body...), v.keys()), width, height)
}

// condition says why what is shown is not new; no line: it is.
func (v *clientView) condition() []Line {
	switch {
	case v.err != nil:
		return []Line{{"not up to date: " + v.err.Error(), Alarm}}
	case v.paused:
		return []Line{{"paused at " + v.at.Format(time.TimeOnly), Bold}}
	}
	return nil
}

func (v *clientView) keys() Line {
	switch {
	case v.help:
		return Line{Text: "Esc back"}
	case v.chosen == 0:
		return Line{Text: "up, down select  Enter show  p pause  ? help  q quit"}
	case len(v.order) > 1:
		return Line{Text: "Esc list  p pause  ? help  q quit"}
	}
	return Line{Text: "p pause  ? help  q quit"}
}

// clientColumns are the columns of the list.
var clientColumns = []table.Column{
	{Title: "CLIENT", Min: 8}, {Title: "STATE"}, {Title: "INTERFACE", Rank: 3}, {Title: "AC", Min: 6, Rank: 5}, {Title: "IP"},
	{Title: "UPTIME", Right: true}, {Title: "UP", Right: true, Rank: 1}, {Title: "DOWN", Right: true, Rank: 1},
	{Title: "RTT", Right: true, Rank: 4}, {Title: "LOSS", Right: true, Rank: 4},
}

func (c *client) cells() []string {
	ip, rtt := "", ""
	switch {
	case c.IPv4 != nil:
		ip = c.IPv4.Local
	case c.IPv6 != nil && len(c.IPv6.Addresses) > 0:
		ip = c.IPv6.Addresses[0]
	case c.IPv6 != nil:
		ip = c.IPv6.Local
	}
	if c.RoundTrip > 0 {
		rtt = fmt.Sprintf("%.1f", c.RoundTrip)
	}
	return []string{c.name(), string(c.State), c.Attachment, c.ACName, ip, c.uptime(), units.ShortRate(c.up), units.ShortRate(c.down), rtt, c.loss()}
}

// loss returns the share of lost LCP echoes; empty: none was sent.
func (c *client) loss() string {
	if c.Echoes == nil {
		return ""
	}
	return fmt.Sprintf("%.1f %%", 100*float64(c.Echoes.Lost)/float64(c.Echoes.Sent))
}

// tableText returns the table of clients.
func (v *clientView) tableText(width int, of []int) string {
	var b strings.Builder
	var rows [][]string
	for _, pid := range of {
		rows = append(rows, v.all[pid].cells())
	}
	table.Write(&b, width, clientColumns, rows) // a strings.Builder has no errors
	return b.String()
}

func (v *clientView) listLines(width int) (lines []Line) {
	room := max(1, v.rows-1)
	row := slices.Index(v.order, v.selected)
	v.offset = max(0, min(max(v.offset, row-room+1), row))
	for text := range strings.Lines(v.tableText(width, v.order[v.offset:min(len(v.order), v.offset+room)])) {
		lines = append(lines, Line{Text: strings.TrimSuffix(text, "\n")})
	}
	lines[0].Style = Bold
	if at := row - v.offset + 1; at < len(lines) {
		lines[at].Style = Reverse
	}
	return lines
}

// clientLines returns all that is known of the chosen client.
func (v *clientView) clientLines(width int) []Line {
	c := v.all[v.chosen]
	var b strings.Builder
	c.Status.WriteTo(&b) // a strings.Builder has no errors
	lines := normal(wrap(b.String(), width))
	lines[0].Style = Bold
	if c.State != status.Online {
		lines[0].Style = Alarm
	}
	add := func(name, text string) {
		if text != "" {
			lines = append(lines, Line{Text: fmt.Sprintf("  %-9s %s", name, text)})
		}
	}
	add("online", c.uptime())
	if c.RedialAt != nil {
		add("redials", "in "+max(0, c.RedialAt.Sub(v.at)).Round(time.Second).String())
	}
	add("loss", c.loss())
	add("up", c.rateLine(c.up, &c.sent, width))
	add("down", c.rateLine(c.down, &c.received, width))
	return append(lines, v.eventLines()...)
}

// nameWidth is the width of a line's name, and of the rate after it.
const nameWidth, rateWidth = 12, 34

// rateLine returns a rate and the graph of the last minute; empty: it was not measured.
func (c *client) rateLine(now *uint64, h *history, width int) string {
	if now == nil {
		return ""
	}
	most := h.max()
	return fmt.Sprintf("%-*s|%s|", rateWidth, fmt.Sprintf("%s, at most %s", units.BitRate(now), units.BitRate(&most)), h.graph(width-nameWidth-rateWidth-2))
}

// eventLines returns the last events, the newest first.
func (v *clientView) eventLines() []Line {
	lines := []Line{{}, {"Last events", Bold}}
	for _, e := range slices.Backward(v.events) {
		if e.Attachment = ""; e.Event != "device" { // those of the client
			e.Device = ""
		}
		lines = append(lines, Line{Text: "  " + e.Line(nil, false)})
	}
	if len(v.events) == 0 {
		lines = append(lines, Line{Text: "  none"})
	}
	return lines
}

func (v *clientView) plain(width int) string { return v.tableText(width, v.order) }
