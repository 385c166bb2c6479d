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

var update = flag.Bool("update", false, "write the transcripts anew")

// end is an end whose identifiers count on from 0102:0304:0506:0708, of which the
// universal/local bit is cleared.
func end(name string, cfg ipv6cp.Config) (*ppptest.End, *ipv6cp.Negotiator) {
	if cfg.Rand == nil {
		cfg.Rand = ppptest.Random(1)
	}
	p := ipv6cp.New(&cfg)
	return &ppptest.End{
		Name: name, Protocol: ppptest.Automaton{Automaton: ppp.NewAutomaton(p, cfg.Limits)},
		Agreed: func() string {
			a := p.Agreement()
			return fmt.Sprintf("%v, and the peer %v", a.Local.LinkLocal(), a.Remote.LinkLocal())
		},
	}, p
}

// TestTranscripts holds what IPv6CP says, packet by packet, against testdata, and what it
// thinks of it in the end; -update writes it anew.
func TestTranscripts(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  ipv6cp.Config
		want error
	}{
		{"peers-identifier", ipv6cp.Config{}, nil},
		{"our-identifier", ipv6cp.Config{}, nil},
		{"fixed", ipv6cp.Config{Local: ipv6cp.ID{7: 1}}, nil},
		{"yielding", ipv6cp.Config{Local: ipv6cp.ID{7: 1}, AcceptLocal: true}, nil},
		{"assigning", ipv6cp.Config{Local: ipv6cp.ID{7: 1}, Remote: ipv6cp.ID{7: 2}}, nil},
		{"ours-rejected", ipv6cp.Config{}, ipv6cp.ErrNoID},
		{"same", ipv6cp.Config{Local: ipv6cp.ID{7: 1}, AcceptLocal: true}, nil},
	} {
		e, p := end("end", c.cfg)
		ppptest.Transcript(t, "testdata/"+c.name+".txt", *update, ppptest.NewLink(ppp.IPv6CP, e))
		if e.State() != ppp.Opened || !errors.Is(p.Err(), c.want) {
			t.Errorf("%s: it is %v, %v; want Opened, %v", c.name, e.State(), p.Err(), c.want)
		}
	}
}

// TestTwins: two ends that draw the same identifier find different ones.
func TestTwins(t *testing.T) {
	a, pa := end("a", ipv6cp.Config{})
	same := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	b, pb := end("b", ipv6cp.Config{Rand: io.MultiReader(bytes.NewReader(same), ppptest.Random(0x80))})
	ppptest.Transcript(t, "testdata/twins.txt", *update, ppptest.NewLink(ppp.IPv6CP, a, b))
	if err := errors.Join(pa.Err(), pb.Err()); err != nil || pa.Agreement().Local != pb.Agreement().Remote {
		t.Errorf("they agree on %v and %v, %v", pa.Agreement(), pb.Agreement(), err)
	}
}
