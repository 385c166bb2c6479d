package ipv6cp

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"upppoe/ppp"
)

// TestNumbers: the option types of RFC 5072 section 4.
func TestNumbers(t *testing.T) {
	if OptInterfaceID != 1 || OptCompression != 2 {
		t.Errorf("options %d and %d, want 1 and 2", OptInterfaceID, OptCompression)
	}
	if got, want := option(ID{1, 2, 3, 4, 5, 6, 7, 8}).AppendTo(nil), []byte{1, 10, 1, 2, 3, 4, 5, 6, 7, 8}; !bytes.Equal(got, want) {
		t.Errorf("an identifier is % x, want % x", got, want)
	}
}

// TestCollisions: a random identifier is not zero, and differs from those of both sides and from the
// suggested one, whatever the source returns. On a collision its low half is incremented.
func TestCollisions(t *testing.T) {
	drawn := ID{0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17}
	next := func(n byte) ID { id := drawn; id[7] += n; return id }
	for _, c := range []struct {
		what                      string
		draw                      ID
		local, suggestion, remote ID
		want                      ID
	}{
		{"no collision", drawn, ID{7: 1}, ID{7: 2}, ID{7: 3}, drawn},
		{"the universal bit", ID{0xff, 7: 9}, ID{}, ID{}, ID{}, ID{0xfd, 7: 9}},
		{"zero", ID{}, ID{7: 5}, ID{7: 6}, ID{}, ID{7: 1}},
		{"the universal bit alone", ID{0: 2}, ID{7: 5}, ID{7: 6}, ID{}, ID{7: 1}},
		{"our own", drawn, drawn, ID{7: 2}, ID{7: 3}, next(1)},
		{"the suggested one", drawn, ID{7: 1}, drawn, ID{7: 3}, next(1)},
		{"the peer's", drawn, ID{7: 1}, ID{7: 2}, drawn, next(1)},
		{"all in a row", drawn, next(1), next(2), drawn, next(3)},
		{"the carry", ID{3: 0x13, 4: 0, 5: 0xff, 6: 0xff, 7: 0xff}, ID{3: 0x13, 4: 0, 5: 0xff, 6: 0xff, 7: 0xff}, ID{}, ID{}, ID{3: 0x13, 4: 1}},
		{"the end of the low half", ID{3: 0x13, 4: 0xff, 5: 0xff, 6: 0xff, 7: 0xff}, ID{3: 0x13, 4: 0xff, 5: 0xff, 6: 0xff, 7: 0xff}, ID{}, ID{}, ID{3: 0x13}},
	} {
		n := &Negotiator{cfg: &Config{Rand: bytes.NewReader(c.draw[:])}, state: state{initial: c.local, suggestion: c.suggestion, remote: c.remote}}
		if got := n.random(); got != c.want {
			t.Errorf("%s: %x, want %x", c.what, got, c.want)
		}
	}
}

// TestSuggestionDiffers: our identifier and the one that we suggest differ, also if the source repeats
// itself.
func TestSuggestionDiffers(t *testing.T) {
	n := New(&Config{Rand: bytes.NewReader(bytes.Repeat([]byte{7}, 16))})
	if n.local == n.suggestion || n.local == (ID{}) || n.suggestion == (ID{}) {
		t.Errorf("ours is %x, and we suggest %x", n.local, n.suggestion)
	}
}

// TestRandFails: a failing source of random numbers panics.
func TestRandFails(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an identifier without random numbers")
		}
	}()
	New(&Config{Rand: failing{}})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("none") }

var _ io.Reader = failing{}

// TestWrongLengths: an identifier has eight octets, in a request and in a Nak.
func TestWrongLengths(t *testing.T) {
	for length := range 20 {
		n := New(&Config{Rand: bytes.NewReader(bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, 10))})
		o := ppp.Option{Type: OptInterfaceID, Value: bytes.Repeat([]byte{9}, length)}
		verdict, suggestion := n.Evaluate(o)
		if ok := length == 8; (verdict == ppp.Ack) != ok || !ok && (verdict != ppp.Nak || len(suggestion.Value) != 8) {
			t.Errorf("an identifier of %d octets: verdict %d, % x", length, verdict, suggestion.Value)
		}
		was := n.local
		if n.ReceivedNak(o); (n.local != was) != (length == 8) {
			t.Errorf("after a Nak with %d octets ours is %x", length, n.local)
		}
	}
	n := New(&Config{Local: ID{7: 1}, Rand: bytes.NewReader(make([]byte, 80))})
	if n.ReceivedNak(ppp.Option{Type: OptCompression, Value: bytes.Repeat([]byte{9}, 8)}); n.local != (ID{7: 1}) {
		t.Error("a Nak of another option changes our identifier")
	}
}

// TestErr: each side must have an identifier, and they must differ.
func TestErr(t *testing.T) {
	a, b := ID{7: 1}, ID{7: 2}
	for _, c := range []struct {
		local, remote ID
		want          error
	}{{a, b, nil}, {a, a, ErrNoID}, {ID{}, b, ErrNoID}, {a, ID{}, ErrNoID}, {ID{}, ID{}, ErrNoID}} {
		if got := (&Negotiator{cfg: &Config{}, state: state{local: c.local, remote: c.remote}}).Err(); got != c.want {
			t.Errorf("%x and %x: %v, want %v", c.local, c.remote, got, c.want)
		}
	}
}
