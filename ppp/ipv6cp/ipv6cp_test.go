package ipv6cp

import (
	"crypto/rand"
	"testing"

	"upppoe/ppp"
)

func TestJudge(t *testing.T) {
	p := New(&Config{Local: ID{7: 1}, Rand: rand.Reader})
	for _, c := range []struct {
		what string
		in   ppp.Option
		want ppp.Verdict
	}{
		{"an identifier", option(ID{7: 2}), ppp.Ack},
		{"zero", option(ID{}), ppp.Nak},
		{"ours", option(ID{7: 1}), ppp.Nak},
		{"one of four octets", ppp.Option{Type: OptInterfaceID, Value: make([]byte, 4)}, ppp.Nak},
		{"compression", ppp.Option{Type: OptCompression, Value: []byte{0, 0x61}}, ppp.Reject},
	} {
		verdict, suggestion := p.Evaluate(c.in)
		if verdict != c.want {
			t.Errorf("%s: verdict %d, want %d", c.what, verdict, c.want)
		}
		if id := suggestion.Value; verdict == ppp.Nak && (ID(id) == ID{} || ID(id) == p.local) {
			t.Errorf("%s: suggests % x, which is no better", c.what, id)
		}
	}
	given := New(&Config{Local: ID{7: 1}, Remote: ID{7: 2}, Rand: rand.Reader})
	if v, suggestion := given.Evaluate(option(ID{7: 3})); v != ppp.Nak || ID(suggestion.Value) != (ID{7: 2}) {
		t.Errorf("a peer that is to have ::2 and wants ::3: verdict %d, suggestion % x; want Nak with ::2", v, suggestion.Value)
	}
	p.ReceivedReject(option(ID{7: 1}))
	if v, _ := p.Evaluate(option(ID{})); v != ppp.Reject {
		t.Errorf("zero, when we have none either: verdict %d, want Reject", v)
	}
	if len(p.AppendMissing(nil, nil)) != 10 {
		t.Error("a peer that speaks of no identifier is not asked to take one")
	}
}

func TestNaked(t *testing.T) {
	fixed := New(&Config{Local: ID{7: 1}, Rand: rand.Reader})
	fixed.ReceivedNak(option(ID{7: 9}))
	if fixed.local != (ID{7: 1}) {
		t.Error("an identifier that was configured is given up")
	}
	free := New(&Config{Rand: rand.Reader})
	was := free.local
	free.ReceivedNak(option(ID{7: 9}))
	if free.local != (ID{7: 9}) {
		t.Errorf("takes %x, want the one suggested", free.local)
	}
	free.ReceivedNak(option(ID{}))
	if free.local == (ID{}) || free.local == (ID{7: 9}) {
		t.Errorf("after a Nak with zero it has %x, want a new one", free.local)
	}
	free.ReceivedNak(option(free.spare))
	if free.local == free.spare {
		t.Error("takes for itself the identifier that it suggests to the peer")
	}
	free.Reset()
	if free.local != was {
		t.Error("a new negotiation begins with another identifier")
	}
}

func TestAgreement(t *testing.T) {
	p := New(&Config{Local: ID{7: 1}, Rand: rand.Reader})
	if p.Err() == nil {
		t.Error("a link without the peer's identifier is good enough")
	}
	p.Acknowledged(ppp.Options(option(ID{7: 2}).AppendTo(nil)))
	if p.Err() != nil || p.Agreement() != (Agreement{ID{7: 1}, ID{7: 2}}) {
		t.Errorf("agreed on %v, %v", p.Agreement(), p.Err())
	}
	if got := p.Agreement().Remote.LinkLocal().String(); got != "fe80::2" {
		t.Errorf("the peer's address is %s, want fe80::2", got)
	}
	if p.random()[0]&2 != 0 {
		t.Error("a random identifier claims to be globally unique")
	}
}

// TestWithoutRemote: a peer may be without an identifier if it is allowed to, and is not asked for
// one then.
func TestWithoutRemote(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		p := New(&Config{Local: ID{7: 1}, AcceptNoRemote: allowed, Rand: rand.Reader})
		if asked := len(p.AppendMissing(nil, nil)) > 0; asked == allowed {
			t.Errorf("allowed %v: asked for one %v", allowed, asked)
		}
		p.Acknowledged(nil)
		if err := p.Err(); (err == nil) != allowed || p.Agreement() != (Agreement{Local: ID{7: 1}}) {
			t.Errorf("allowed %v: %v, %v", allowed, p.Agreement(), err)
		}
		p.Acknowledged(ppp.Options(option(ID{7: 1}).AppendTo(nil)))
		if p.Err() == nil {
			t.Errorf("allowed %v: the peer may have ours", allowed)
		}
	}
}

// TestNoSend: our identifier is ours without being told, also after the peer has suggested one.
func TestNoSend(t *testing.T) {
	for _, accept := range []bool{false, true} {
		p := New(&Config{Local: ID{7: 1}, OmitLocal: true, AcceptLocal: accept, Rand: rand.Reader})
		for _, want := range []ID{{7: 1}, {7: 9}} {
			if !accept {
				want = ID{7: 1}
			}
			if got := p.AppendRequest(nil); len(got) > 0 || p.Agreement().Local != want {
				t.Errorf("accept %v: sends % x, has %v, want %v", accept, got, p.Agreement().Local, want)
			}
			p.ReceivedNak(option(ID{7: 9}))
		}
		if p.Reset(); len(p.AppendRequest(nil)) > 0 {
			t.Error("a new negotiation tells it")
		}
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add([]byte{1, 10, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		options, err := ppp.ParseOptions(b)
		if err != nil {
			return
		}
		p := New(&Config{Rand: rand.Reader})
		acked := true
		for o := range options.All() {
			v, _ := p.Evaluate(o)
			acked = acked && v == ppp.Ack
		}
		if acked && !options.HasDuplicates() {
			p.Acknowledged(options) // as the automaton does
		}
		for o := range options.All() {
			p.ReceivedNak(o)
		}
		if p.Err() == nil && p.local == p.remote {
			t.Error("both sides have the same identifier")
		}
	})
}
