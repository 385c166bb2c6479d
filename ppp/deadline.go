package ppp

import "time"

// Earliest is the first of some deadlines; the zero time among them means none.
func Earliest(deadlines ...time.Time) (first time.Time) {
	for _, d := range deadlines {
		if !d.IsZero() && (first.IsZero() || d.Before(first)) {
			first = d
		}
	}
	return first
}
