package lcp_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/pap"
	"upppoe/ppp/ppptest"
)

var update = flag.Bool("update", false, "write the transcripts anew")

// end is an end of a line; its magic numbers count on from 0x01020304.
func end(name string, cfg lcp.Config) (*ppptest.End, *lcp.Link) {
	if cfg.Rand == nil {
		cfg.Rand = ppptest.Random(1)
	}
	l := lcp.New(&cfg)
	return &ppptest.End{Name: name, Protocol: l, Agreed: func() string {
		text := fmt.Sprintf("MRU %d, and the peer %d", l.MRU(), l.PeerMRU())
		if m := l.PeerMethod(); m != nil {
			text += ", demands " + m.Name()
		}
		if m := l.OwnMethod(); m != nil {
			text += ", answers " + m.Name()
		}
		return text
	}}, l
}

// twin draws the same magic number as an end that has Random(1), and others from then on.
func twin() io.Reader {
	return io.MultiReader(bytes.NewReader([]byte{1, 2, 3, 4}), ppptest.Random(0x80))
}

// TestTranscripts holds what LCP says, packet by packet, against testdata; -update
// writes it anew.
func TestTranscripts(t *testing.T) {
	methods := []ppp.Method{eap.MD5, chap.MSv2, chap.MD5, pap.Method}
	for _, c := range []struct {
		name  string
		cfg   lcp.Config
		check func(*lcp.Link) bool
	}{
		{"mru", lcp.Config{}, nil},
		{"mru-rfc4638", lcp.Config{MRU: 1500, MaxMRU: 1500}, nil},
		{"magic", lcp.Config{}, func(l *lcp.Link) bool { return !l.Looped() }},
		{"looped", lcp.Config{}, (*lcp.Link).Looped},
		{"no-magic", lcp.Config{NoMagic: true, Echo: lcp.Echo{Interval: 20 * time.Second}}, nil},
		{"rejected", lcp.Config{}, nil},
		{"answers", lcp.Config{AllowAuth: methods[2:]}, nil},
		{"demands", lcp.Config{RequireAuth: methods}, func(l *lcp.Link) bool { return !l.AuthRefused() }},
		{"demands-in-vain", lcp.Config{RequireAuth: methods[2:3]}, (*lcp.Link).AuthRefused},
		{"echo", lcp.Config{Echo: lcp.Echo{Interval: 20 * time.Second, Failures: 3}}, (*lcp.Link).Dead},
		{"ending", lcp.Config{}, func(l *lcp.Link) bool { return string(l.TerminateReason()) == "bye" }},
	} {
		e, l := end("link", c.cfg)
		ppptest.Transcript(t, "testdata/"+c.name+".txt", *update, ppptest.NewLink(ppp.LCP, e))
		if c.check != nil && !c.check(l) {
			t.Errorf("%s: it ended otherwise: looped %v, refused %v, dead %v, farewell %q", c.name, l.Looped(), l.AuthRefused(), l.Dead(), l.TerminateReason())
		}
	}
}

// TestTwins: two ends that draw the same magic number find different ones.
func TestTwins(t *testing.T) {
	a, la := end("a", lcp.Config{})
	b, lb := end("b", lcp.Config{Rand: twin()})
	ppptest.Transcript(t, "testdata/twins.txt", *update, ppptest.NewLink(ppp.LCP, a, b))
	if la.State() != ppp.Opened || lb.State() != ppp.Opened || la.Looped() || lb.Looped() {
		t.Errorf("they are %v and %v; looped %v and %v", la.State(), lb.State(), la.Looped(), lb.Looped())
	}
}
