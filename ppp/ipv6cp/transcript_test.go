package ipv6cp_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"testing"

	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/ppptest"
)

var update = flag.Bool("update", false, "write the transcripts")

// end returns an end whose random identifiers begin with 0102:0304:0506:0708, with the
// universal/local bit cleared.
func end(name string, cfg ipv6cp.Config) (*ppptest.End, *ipv6cp.Negotiator) {
	if cfg.Rand == nil {
		cfg.Rand = ppptest.Random(1)
	}
	n := ipv6cp.New(&cfg)
	return &ppptest.End{
		Name: name, Protocol: ppptest.Automaton{Automaton: ppp.NewAutomaton(n, &cfg.Limits)},
		Agreed: func() string {
			a := n.Agreement()
			return fmt.Sprintf("%v, and the peer %v", a.Local.LinkLocal(), a.Remote.LinkLocal())
		},
	}, n
}

// TestTranscripts compares IPv6CP's packets with testdata, and checks Err at the end; -update
// writes the files.
func TestTranscripts(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  ipv6cp.Config
		want error
	}{
		{"peers-identifier", ipv6cp.Config{}, nil},
		{"our-identifier", ipv6cp.Config{}, nil},
		{"fixed", ipv6cp.Config{Local: ipv6cp.ID{7: 1}}, nil},
		{"accept-local", ipv6cp.Config{Local: ipv6cp.ID{7: 1}, AcceptLocal: true}, nil},
		{"assigning", ipv6cp.Config{Local: ipv6cp.ID{7: 1}, Remote: ipv6cp.ID{7: 2}}, nil},
		{"ours-rejected", ipv6cp.Config{}, ipv6cp.ErrNoID},
		{"suggested-by-both", ipv6cp.Config{Local: ipv6cp.ID{7: 1}, AcceptLocal: true}, nil},
	} {
		e, n := end("end", c.cfg)
		ppptest.Transcript(t, "testdata/"+c.name+".txt", *update, ppptest.NewLink(ppp.IPv6CP, e))
		if e.State() != ppp.Opened || !errors.Is(n.Err(), c.want) {
			t.Errorf("%s: it is %v, %v; want Opened, %v", c.name, e.State(), n.Err(), c.want)
		}
	}
}

// TestSameIdentifier: two ends with the same random identifier agree on different ones.
func TestSameIdentifier(t *testing.T) {
	a, na := end("a", ipv6cp.Config{})
	same := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	b, nb := end("b", ipv6cp.Config{Rand: io.MultiReader(bytes.NewReader(same), ppptest.Random(0x80))})
	ppptest.Transcript(t, "testdata/same-identifier.txt", *update, ppptest.NewLink(ppp.IPv6CP, a, b))
	if err := errors.Join(na.Err(), nb.Err()); err != nil || na.Agreement().Local != nb.Agreement().Remote {
		t.Errorf("they agree on %v and %v, %v", na.Agreement(), nb.Agreement(), err)
	}
}
