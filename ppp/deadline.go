package ppp

import "time"

// Earliest returns the earliest of the deadlines. The zero time stands for no deadline,
// among the arguments and as the result.
func Earliest(deadlines ...time.Time) (first time.Time) {
	for _, d := range deadlines {
		if !d.IsZero() && (first.IsZero() || d.Before(first)) {
			first = d
		}
	}
	return first
}
