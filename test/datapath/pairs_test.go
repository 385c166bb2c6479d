package datapath

import (
	"fmt"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
)

// paths are all there are.
var paths = []pppoe.DataPath{pppoe.DataPathPlain, pppoe.DataPathOffload, pppoe.DataPathKernel}

// TestPairs has each data path at one end of a session and each at the other, and tries
// everything with it that a session of the usual kind can carry.
func TestPairs(t *testing.T) {
	eachPair(t, setting{}, func(t *testing.T, e *ends) {
		for _, c := range []struct {
			what string
			try  func(*ends, *testing.T)
		}{
			{"ping", (*ends).pings},
			{"TCP", (*ends).tcp},
			{"UDP", (*ends).udp},
			{"random packets", (*ends).random},
		} {
			t.Run(c.what, func(t *testing.T) { c.try(e, t) })
		}
	})
}

// eachPair runs a test with a session of each data path at one end and each at the other.
func eachPair(t *testing.T, s setting, test func(t *testing.T, e *ends)) {
	roottest.Need(t)
	for _, by := range paths {
		for _, with := range paths {
			t.Run(fmt.Sprintf("%v to %v", by, with), func(t *testing.T) { test(t, dial(t, by, with, s)) })
		}
	}
}
