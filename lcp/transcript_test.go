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

var update = flag.Bool("update", false, "write the transcripts")

// end returns an end of a link, whose Magic-Numbers begin with 0x01020304.
func end(name string, cfg lcp.Config) (*ppptest.End, *lcp.Link) {
	if cfg.Rand == nil {
		cfg.Rand = ppptest.Random(1)
	}
	l := lcp.New(&cfg, lcp.Peer{})
	return &ppptest.End{Name: name, Protocol: l, Agreed: func() string {
		text := fmt.Sprintf("MRU %d, and the peer %d", l.MRU(), l.PeerMRU())
		if m := l.PeerMethod(); m != nil {
			text += ", peer method " + m.Name()
		}
		if m := l.OwnMethod(); m != nil {
			text += ", own method " + m.Name()
		}
		return text
	}}, l
}

// sameMagic returns a source with the same first Magic-Number as Random(1), and others after it.
func sameMagic() io.Reader {
	return io.MultiReader(bytes.NewReader([]byte{1, 2, 3, 4}), ppptest.Random(0x80))
}

// TestTranscripts compares LCP's packets with testdata; -update writes the files.
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
		{"allow-auth", lcp.Config{AllowAuth: methods[2:]}, nil},
		{"require-auth", lcp.Config{RequireAuth: methods}, func(l *lcp.Link) bool { return !l.AuthRefused() }},
		{"require-auth-refused", lcp.Config{RequireAuth: methods[2:3]}, (*lcp.Link).AuthRefused},
		{"echo", lcp.Config{Echo: lcp.Echo{Interval: 20 * time.Second, Failures: 3}}, (*lcp.Link).Dead},
		{"ending", lcp.Config{}, nil},
	} {
		e, l := end("link", c.cfg)
		ppptest.Transcript(t, "testdata/"+c.name+".txt", *update, ppptest.NewLink(ppp.LCP, e))
		if c.check != nil && !c.check(l) {
			t.Errorf("%s: looped %v, refused %v, dead %v", c.name, l.Looped(), l.AuthRefused(), l.Dead())
		}
	}
}

// TestSameMagic: two ends with the same first Magic-Number agree on different ones.
func TestSameMagic(t *testing.T) {
	a, la := end("a", lcp.Config{})
	b, lb := end("b", lcp.Config{Rand: sameMagic()})
	ppptest.Transcript(t, "testdata/same-magic.txt", *update, ppptest.NewLink(ppp.LCP, a, b))
	if la.State() != ppp.Opened || lb.State() != ppp.Opened || la.Looped() || lb.Looped() {
		t.Errorf("they are %v and %v; looped %v and %v", la.State(), lb.State(), la.Looped(), lb.Looped())
	}
}
