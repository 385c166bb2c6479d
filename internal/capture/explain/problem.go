package explain

import "slices"

// maxProblems bounds the problems of a session.
const maxProblems = 32

// problem adds a problem that a frame shows, unless the session has one of this code already.
func (c *conversation) problem(f *frame, code, text string) {
	c.problemAt(f.number, c.seconds(f.at), code, text)
}

func (c *conversation) problemAt(number int, seconds float64, code, text string) {
	if c.found[code] || len(c.s.Problems) >= maxProblems {
		return
	}
	c.found[code] = true
	k := catalogue[code]
	severity := severityError
	if k.warning {
		severity = severityWarning
	}
	c.s.Problems = append(c.s.Problems, Problem{Code: code, Severity: severity, Frame: number, Seconds: seconds, Text: text, RFC: k.rfc, Advice: k.advice})
}

// missing adds a problem about a request that has no answer.
func (c *conversation) missing(r request, code, text string) {
	c.problemAt(r.frame, c.seconds(r.first), code, text)
}

// failed reports whether a problem was found that is no warning.
func (c *conversation) failed() bool { return c.s.Problem() != nil }

// suspect is what went wrong only if the session does not come up.
type suspect struct {
	frame      int
	seconds    float64
	code, text string
}

func (c *conversation) suspect(f *frame, code, text string) {
	if len(c.suspects) >= maxProblems || slices.ContainsFunc(c.suspects, func(s suspect) bool { return s.code == code }) {
		return
	}
	c.suspects = append(c.suspects, suspect{f.number, c.seconds(f.at), code, text})
}

// confirm makes problems of the suspects of the given codes.
func (c *conversation) confirm(codes ...string) {
	for _, s := range c.suspects {
		if slices.Contains(codes, s.code) {
			c.problemAt(s.frame, s.seconds, s.code, s.text)
		}
	}
}

// sortProblems puts the problems in the order of their frames, and notes their codes in the events.
func (c *conversation) sortProblems() {
	slices.SortStableFunc(c.s.Problems, func(a, b Problem) int { return a.Frame - b.Frame })
	for i := range c.s.Events {
		e := &c.s.Events[i]
		for _, p := range c.s.Problems {
			if p.Frame == e.Frame {
				e.Problems = append(e.Problems, p.Code)
			}
		}
	}
}
