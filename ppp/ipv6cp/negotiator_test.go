package ipv6cp

import (
	"crypto/rand"
	"testing"

	"upppoe/ppp"
)

func TestEvaluate(t *testing.T) {
	n := New(&Config{Local: ID{7: 1}, Rand: rand.Reader})
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
		verdict, suggestion := n.Evaluate(c.in)
		if verdict != c.want {
			t.Errorf("%s: verdict %d, want %d", c.what, verdict, c.want)
		}
		if id := suggestion.Value; verdict == ppp.Nak && (ID(id) == ID{} || ID(id) == n.local) {
			t.Errorf("%s: suggests % x, which is not valid either", c.what, id)
		}
	}
	assigning := New(&Config{Local: ID{7: 1}, Remote: ID{7: 2}, Rand: rand.Reader})
	if v, suggestion := assigning.Evaluate(option(ID{7: 3})); v != ppp.Nak || ID(suggestion.Value) != (ID{7: 2}) {
		t.Errorf("a peer that is assigned ::2 and requests ::3: verdict %d, suggestion % x; want Nak with ::2", v, suggestion.Value)
	}
	n.ReceivedReject(option(ID{7: 1}))
	if v, _ := n.Evaluate(option(ID{})); v != ppp.Reject {
		t.Errorf("zero, when we have none: verdict %d, want Reject", v)
	}
	if len(n.AppendMissing(nil, nil)) != 10 {
		t.Error("a peer without an identifier is not asked to use one")
	}
}

func TestReceivedNak(t *testing.T) {
	fixed := New(&Config{Local: ID{7: 1}, Rand: rand.Reader})
	fixed.ReceivedNak(option(ID{7: 9}))
	if fixed.local != (ID{7: 1}) {
		t.Error("a configured identifier has changed")
	}
	negotiable := New(&Config{Rand: rand.Reader})
	was := negotiable.local
	negotiable.ReceivedNak(option(ID{7: 9}))
	if negotiable.local != (ID{7: 9}) {
		t.Errorf("ours is %x, want the suggested one", negotiable.local)
	}
	negotiable.ReceivedNak(option(ID{}))
	if negotiable.local == (ID{}) || negotiable.local == (ID{7: 9}) {
		t.Errorf("after a Nak with zero ours is %x, want a new one", negotiable.local)
	}
	negotiable.ReceivedNak(option(negotiable.suggestion))
	if negotiable.local == negotiable.suggestion {
		t.Error("our identifier is the one that we suggest to the peer")
	}
	negotiable.Reset()
	if negotiable.local != was {
		t.Error("a new negotiation begins with another identifier")
	}
}

func TestAgreement(t *testing.T) {
	n := New(&Config{Local: ID{7: 1}, Rand: rand.Reader})
	if n.Err() == nil {
		t.Error("a link without the peer's identifier is accepted")
	}
	n.Acknowledged(ppp.Options(option(ID{7: 2}).AppendTo(nil)))
	if n.Err() != nil || n.Agreement() != (Agreement{ID{7: 1}, ID{7: 2}}) {
		t.Errorf("agreed on %v, %v", n.Agreement(), n.Err())
	}
	if got := n.Agreement().Remote.LinkLocal().String(); got != "fe80::2" {
		t.Errorf("the peer's address is %s, want fe80::2", got)
	}
	if n.random()[0]&2 != 0 {
		t.Error("a random identifier claims to be globally unique")
	}
}

// TestAcceptNoRemote: a peer may have no identifier if it is allowed, and is then not asked to use one.
func TestAcceptNoRemote(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		n := New(&Config{Local: ID{7: 1}, AcceptNoRemote: allowed, Rand: rand.Reader})
		if asked := len(n.AppendMissing(nil, nil)) > 0; asked == allowed {
			t.Errorf("allowed %v: asked to use one %v", allowed, asked)
		}
		n.Acknowledged(nil)
		if err := n.Err(); (err == nil) != allowed || n.Agreement() != (Agreement{Local: ID{7: 1}}) {
			t.Errorf("allowed %v: %v, %v", allowed, n.Agreement(), err)
		}
		n.Acknowledged(ppp.Options(option(ID{7: 1}).AppendTo(nil)))
		if n.Err() == nil {
			t.Errorf("allowed %v: the peer may have ours", allowed)
		}
	}
}

// TestOmitLocal: our identifier is not requested, also after the peer has suggested one.
func TestOmitLocal(t *testing.T) {
	for _, accept := range []bool{false, true} {
		n := New(&Config{Local: ID{7: 1}, OmitLocal: true, AcceptLocal: accept, Rand: rand.Reader})
		for _, want := range []ID{{7: 1}, {7: 9}} {
			if !accept {
				want = ID{7: 1}
			}
			if got := n.AppendRequest(nil); len(got) > 0 || n.Agreement().Local != want {
				t.Errorf("accept %v: sends % x, has %v, want %v", accept, got, n.Agreement().Local, want)
			}
			n.ReceivedNak(option(ID{7: 9}))
		}
		if n.Reset(); len(n.AppendRequest(nil)) > 0 {
			t.Error("a new negotiation requests it")
		}
	}
}

func FuzzNegotiator(f *testing.F) {
	f.Add([]byte{1, 10, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		options, err := ppp.ParseOptions(b)
		if err != nil {
			return
		}
		n := New(&Config{Rand: rand.Reader})
		acked := true
		for o := range options.All() {
			v, _ := n.Evaluate(o)
			acked = acked && v == ppp.Ack
		}
		if acked && !options.HasDuplicates() {
			n.Acknowledged(options) // as the automaton does
		}
		for o := range options.All() {
			n.ReceivedNak(o)
		}
		if n.Err() == nil && n.local == n.remote {
			t.Error("both sides have the same identifier")
		}
	})
}
