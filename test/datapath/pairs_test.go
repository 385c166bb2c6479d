package datapath

import (
	"fmt"
	"slices"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/pppoe/datapath"
	"upppoe/test/lab"
)

// The data paths there are. Auto is the kernel's, chosen of itself: it leaves the Ethernet
// interface as it is.
const (
	auto    = datapath.KindAuto
	plain   = datapath.KindPlain
	offload = datapath.KindOffload
	kernel  = datapath.KindKernel
)

var paths = []datapath.Kind{auto, plain, offload, kernel}

// concern is something to be tried with a session that is up.
type concern struct {
	what string
	try  func(*ends, *testing.T)
}

var (
	ping   = concern{"ping", (*ends).pings}
	long   = concern{"ping, long", (*ends).longPings}
	tcp    = concern{"TCP", (*ends).tcp}
	udp    = concern{"UDP", (*ends).udp}
	random = concern{"random packets", (*ends).random}
)

// TestPairs has each data path at one end of a session and each at the other, and tries
// everything with it that a session of the usual kind can carry; then less of it, with
// Ethernet interfaces that do less by themselves.
func TestPairs(t *testing.T) {
	eachPair(t, func(t *testing.T, e *ends) {
		e.try(t, ping, tcp, udp, random)
		e.switchOff(t, lab.SegmentTCP)
		t.Run("without segmentation", func(t *testing.T) { e.try(t, tcp) })
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
	e.filled = e.filled || slices.Contains(what, lab.ChecksumOut)
}

// eachPair runs a test with a session of each data path at one end and each at the other.
// The kernel's as it is chosen of itself meets but two.
func eachPair(t *testing.T, test func(t *testing.T, e *ends)) {
	pairs := []pair{{auto, auto}, {auto, offload}, {offload, auto}}
	for _, by := range paths[1:] {
		for _, with := range paths[1:] {
			pairs = append(pairs, pair{by, with})
		}
	}
	eachOf(t, pairs, setting{}, test)
}

// pair are data paths of a client and a server.
type pair struct{ by, with datapath.Kind }

// somePairs have each data path at either end.
var somePairs = []pair{{plain, offload}, {offload, plain}, {kernel, offload}, {offload, kernel}, {auto, auto}}

// eachOf runs a test with a session of each pair.
func eachOf(t *testing.T, pairs []pair, s setting, test func(t *testing.T, e *ends)) {
	roottest.Need(t)
	for _, p := range pairs {
		t.Run(fmt.Sprintf("%v to %v", p.by, p.with), func(t *testing.T) { test(t, dial(t, p.by, p.with, s)) })
	}
}
