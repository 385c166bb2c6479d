package datapath

import (
	"fmt"
	"slices"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
	"upppoe/test/lab"
)

// paths are all there are. The first is the kernel's, chosen of itself: without XDP.
var paths = []pppoe.DataPath{pppoe.DataPathAuto, pppoe.DataPathPlain, pppoe.DataPathOffload, pppoe.DataPathKernel}

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
	eachPair(t, setting{}, func(t *testing.T, e *ends) {
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
func eachPair(t *testing.T, s setting, test func(t *testing.T, e *ends)) {
	roottest.Need(t)
	for _, p := range pairs() {
		t.Run(fmt.Sprintf("%v to %v", p[0], p[1]), func(t *testing.T) { test(t, dial(t, p[0], p[1], s)) })
	}
}

// pairs are data paths of a client and a server. The kernel's as it is chosen of itself
// meets but two.
func pairs() [][2]pppoe.DataPath {
	const auto, offload = pppoe.DataPathAuto, pppoe.DataPathOffload
	all := [][2]pppoe.DataPath{{auto, auto}, {auto, offload}, {offload, auto}}
	for _, by := range paths[1:] {
		for _, with := range paths[1:] {
			all = append(all, [2]pppoe.DataPath{by, with})
		}
	}
	return all
}
