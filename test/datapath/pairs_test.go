package datapath

import (
	"fmt"
	"slices"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/pppoe/datapath"
	"upppoe/test/lab"
)

// The data paths. Auto chooses the kernel here, and leaves the Ethernet interface as it is.
const (
	auto   = datapath.KindAuto
	plain  = datapath.KindPlain
	gso    = datapath.KindGSO
	kernel = datapath.KindKernel
)

var paths = []datapath.Kind{auto, plain, gso, kernel}

// check is something to be done with a session that is up.
type check struct {
	name string
	run  func(*ends, *testing.T)
}

var (
	ping   = check{"ping", (*ends).pings}
	long   = check{"ping, long", (*ends).longPings}
	tcp    = check{"TCP", (*ends).tcp}
	udp    = check{"UDP", (*ends).udp}
	random = check{"random packets", (*ends).random}
)

// TestPairs runs every check that a session of default settings can carry, with each data path at
// either end; then some of them with fewer offloads of the Ethernet interfaces.
func TestPairs(t *testing.T) {
	eachPair(t, func(t *testing.T, e *ends) {
		e.try(t, ping, tcp, udp, random)
		e.disableOffloads(t, lab.TSO)
		t.Run("without segmentation", func(t *testing.T) { e.try(t, tcp) })
		e.disableOffloads(t, lab.TxChecksum, lab.RxChecksum)
		t.Run("without checksums", func(t *testing.T) { e.try(t, tcp, udp) })
	})
}

func (e *ends) try(t *testing.T, concerns ...check) {
	for _, c := range concerns {
		t.Run(c.name, func(t *testing.T) { c.run(e, t) })
	}
}

// disableOffloads switches offloads of both Ethernet interfaces off.
func (e *ends) disableOffloads(t *testing.T, what ...lab.Offload) {
	t.Helper()
	for _, one := range []*end{e.client, e.server} {
		must(t, one.Offload("eth0", false, what...))
	}
	e.checksumsFilled = e.checksumsFilled || slices.Contains(what, lab.TxChecksum)
}

// eachPair runs a test with each data path at either end of a session. Auto is combined with itself
// and offload only.
func eachPair(t *testing.T, test func(t *testing.T, e *ends)) {
	pairs := []pair{{auto, auto}, {auto, gso}, {gso, auto}}
	for _, by := range paths[1:] {
		for _, with := range paths[1:] {
			pairs = append(pairs, pair{by, with})
		}
	}
	eachOf(t, pairs, settings{}, test)
}

// pair is the data paths of a client and a server.
type pair struct{ client, server datapath.Kind }

// somePairs have each data path at either end.
var somePairs = []pair{{plain, gso}, {gso, plain}, {kernel, gso}, {gso, kernel}, {auto, auto}}

// eachOf runs a test with a session of each pair.
func eachOf(t *testing.T, pairs []pair, s settings, test func(t *testing.T, e *ends)) {
	roottest.Need(t)
	for _, p := range pairs {
		t.Run(fmt.Sprintf("%v to %v", p.client, p.server), func(t *testing.T) { test(t, dial(t, p.client, p.server, s)) })
	}
}
