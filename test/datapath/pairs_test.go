package datapath

import (
	"fmt"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
	"upppoe/test/lab"
)

// paths are all there are.
var paths = []pppoe.DataPath{pppoe.DataPathPlain, pppoe.DataPathOffload, pppoe.DataPathKernel}

// concern is something to be tried with a session that is up.
type concern struct {
	what string
	try  func(*ends, *testing.T)
}

// TestPairs has each data path at one end of a session and each at the other, and tries
// everything with it that a session of the usual kind can carry; then less of it, with
// Ethernet interfaces that do less by themselves.
func TestPairs(t *testing.T) {
	ping, tcp, udp := concern{"ping", (*ends).pings}, concern{"TCP", (*ends).tcp}, concern{"UDP", (*ends).udp}
	random := concern{"random packets", (*ends).random}
	eachPair(t, setting{}, func(t *testing.T, e *ends) {
		e.try(t, ping, tcp, udp, random)
		e.switchOff(t, lab.SegmentTCP)
		t.Run("without segmentation", func(t *testing.T) { e.try(t, tcp, udp) })
		e.switchOff(t, lab.ChecksumOut, lab.ChecksumIn)
		t.Run("without checksums", func(t *testing.T) { e.try(t, tcp, udp) })
	})
}

func (e *ends) try(t *testing.T, concerns ...concern) {
	for _, c := range concerns {
		t.Run(c.what, func(t *testing.T) { c.try(e, t) })
	}
}

// switchOff switches offloads of both Ethernet interfaces off.
func (e *ends) switchOff(t *testing.T, what ...lab.Offload) {
	t.Helper()
	for _, one := range []*end{e.client, e.server} {
		must(t, one.Offload("eth0", false, what...))
	}
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
