package load

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// unit is the kind of a measured value.
type unit int

const (
	quantity unit = iota // a number
	share                // of the sessions, in percent; a number is a number of sessions
	percent              // of something else
	duration
)

// measure is a value of a report that an expectation can name.
type measure struct {
	unit  unit
	value func(*Report) float64 // sessions, percent, or seconds
	about string
}

// measures are all of them but the percentiles.
var measures = map[string]measure{
	"established": {share, func(r *Report) float64 { return float64(r.SetUp) }, "sessions that were set up"},
	"configured":  {share, func(r *Report) float64 { return float64(r.Configured) }, "sessions whose first packet was answered"},
	"open":        {share, func(r *Report) float64 { return float64(r.Open) }, "sessions that are open at the end of the hold"},
	"prefixes":    {share, func(r *Report) float64 { return float64(r.Prefixes) }, "sessions that have a delegated prefix then"},
	"failed":      {share, func(r *Report) float64 { return float64(total(r.Failures)) }, "dials that failed"},
	"lost":        {share, func(r *Report) float64 { return float64(total(r.Lost)) }, "open sessions that ended by themselves"},
	"rate":        {quantity, func(r *Report) float64 { return r.SetUpsPerSecond }, "set-ups per second"},
	"echo.lost":   {quantity, func(r *Report) float64 { return float64(r.Echoes.Lost) }, "LCP echoes without an answer"},
	"loss":        {percent, func(r *Report) float64 { return r.Traffic.LossPercent }, "packets of the traffic that did not come back"},
}

// timed are the durations of which percentiles can be named.
var timed = map[string]struct {
	of    func(*Report) PhaseReport
	about string
}{
	"setup":  {func(r *Report) PhaseReport { return r.Phases[phaseOpen] }, "PADI to all network protocols open"},
	"answer": {func(r *Report) PhaseReport { return r.Phases[phaseFlow] }, "PADI to the first packet answered"},
	"pado":   {func(r *Report) PhaseReport { return r.Phases[phasePADO] }, "PADI to PADO"},
	"auth":   {func(r *Report) PhaseReport { return r.Phases[phaseAuth] }, "LCP open to authenticated"},
	"prefix": {func(r *Report) PhaseReport { return r.Phases[phasePrefix] }, "IPv6CP open to the delegated prefix"},
	"rtt":    {func(r *Report) PhaseReport { return r.Traffic.RTT }, "round trip of a packet of the traffic"},
}

var percentiles = map[string]func(PhaseReport) float64{
	"p50": func(p PhaseReport) float64 { return p.P50 }, "p90": func(p PhaseReport) float64 { return p.P90 },
	"p99": func(p PhaseReport) float64 { return p.P99 }, "max": func(p PhaseReport) float64 { return p.Max },
}

// Expectation is a condition on a report, like setup.p99<1s.
type Expectation struct {
	text    string
	measure measure
	compare func(is, limit float64) bool
	limit   float64
	isShare bool // the limit of a share is in percent
}

// comparisons are tried in order: the longer ones first.
var comparisons = []struct {
	sign string
	is   func(a, b float64) bool
}{
	{"<=", func(a, b float64) bool { return a <= b }}, {">=", func(a, b float64) bool { return a >= b }},
	{"==", func(a, b float64) bool { return a == b }}, {"<", func(a, b float64) bool { return a < b }},
	{">", func(a, b float64) bool { return a > b }}, {"=", func(a, b float64) bool { return a == b }},
}

// ParseExpectations parses a list of conditions that are separated by commas. The error names the wrong
// one and says what is valid.
func ParseExpectations(list string) (all []Expectation, err error) {
	for text := range strings.SplitSeq(list, ",") {
		e, err := parseExpectation(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("--expect %q: %w", text, err)
		}
		all = append(all, e)
	}
	return all, nil
}

func parseExpectation(text string) (e Expectation, err error) {
	e.text = text
	at := strings.IndexAny(text, "<>=")
	if at < 0 {
		return e, fmt.Errorf("give a condition like established=100%% or setup.p99<1s")
	}
	name, rest := strings.TrimSpace(text[:at]), text[at:]
	for _, c := range comparisons {
		if limit, ok := strings.CutPrefix(rest, c.sign); ok {
			e.compare, rest = c.is, strings.TrimSpace(limit)
			break
		}
	}
	if e.measure, err = findMeasure(name); err != nil {
		return e, err
	}
	return e, e.parseLimit(rest)
}

func findMeasure(name string) (measure, error) {
	if m, ok := measures[name]; ok {
		return m, nil
	}
	phase, q, _ := strings.Cut(name, ".")
	t, known := timed[phase]
	at, valid := percentiles[q]
	if !known || !valid {
		return measure{}, fmt.Errorf("nothing is called %q: there are %s, and %s with .p50, .p90, .p99 or .max",
			name, strings.Join(slices.Sorted(maps.Keys(measures)), ", "), strings.Join(slices.Sorted(maps.Keys(timed)), ", "))
	}
	value := func(r *Report) float64 {
		if t.of(r).Count == 0 {
			return -1
		}
		return at(t.of(r)) / 1000
	}
	return measure{duration, value, t.about}, nil
}

// parseLimit parses the value after the sign.
func (e *Expectation) parseLimit(text string) (err error) {
	if e.measure.unit == duration {
		d, err := time.ParseDuration(text)
		e.limit = d.Seconds()
		if err != nil {
			return fmt.Errorf("give a time like 250ms or 1s")
		}
		return nil
	}
	digits, hasPercent := strings.CutSuffix(text, "%")
	e.limit, err = strconv.ParseFloat(digits, 64)
	e.isShare = hasPercent && e.measure.unit == share
	switch {
	case err != nil:
		return fmt.Errorf("%q is no number", text)
	case hasPercent && e.measure.unit == quantity:
		return fmt.Errorf("give a number without %%")
	}
	return nil
}

// Check returns what is wrong with the report; empty: the condition is met. A time that was never measured
// meets none.
func (e Expectation) Check(r *Report) string {
	is := e.measure.value(r)
	if e.measure.unit == duration && is < 0 {
		return e.text + ": nothing was measured"
	}
	if e.isShare {
		is = 100 * is / float64(max(r.Sessions, 1))
	}
	if e.compare(is, e.limit) {
		return ""
	}
	return fmt.Sprintf("%s: it is %s", e.text, e.format(is))
}

// format formats a value like the limit.
func (e Expectation) format(value float64) string {
	switch {
	case e.measure.unit == duration:
		return time.Duration(value * float64(time.Second)).Round(10 * time.Microsecond).String()
	case e.isShare || e.measure.unit == percent:
		return strconv.FormatFloat(value, 'g', 5, 64) + "%"
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}

// ExpectationNames returns what conditions can name, each with what it is, sorted.
func ExpectationNames() (lines [][2]string) {
	for _, name := range slices.Sorted(maps.Keys(measures)) {
		lines = append(lines, [2]string{name, measures[name].about})
	}
	for _, name := range slices.Sorted(maps.Keys(timed)) {
		lines = append(lines, [2]string{name + ".p50, .p90, .p99, .max", timed[name].about})
	}
	return lines
}
