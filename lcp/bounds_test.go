package lcp

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/pap"
)

// TestNumbers: options as RFC 1661 section 6, RFC 1570 section 2, RFC 1662 section 7 and RFC
// 1990 section 5.1 number them; MRUs of RFC 1661 section 6.1 and RFC 2516 section 7.
func TestNumbers(t *testing.T) {
	got := []int{
		OptMRU, OptACCM, OptAuth, OptQuality, OptMagic, OptPFC, OptACFC, OptFCS,
		OptCallback, OptMRRU, OptShortSeq, OptEndpointDisc, DefaultMRU, EtherMRU, MinMRU, magicLen,
	}
	want := []int{1, 2, 3, 4, 5, 7, 8, 9, 13, 17, 18, 19, 1500, 1492, 128, 4}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func mruOf(n int) []byte { return binary.BigEndian.AppendUint16([]byte{OptMRU, 4}, uint16(n)) }

// TestPeersMRU: both sides of each bound of what the peer may ask for.
func TestPeersMRU(t *testing.T) {
	for _, c := range []struct{ most, asked, nak int }{ // nak 0: it is acknowledged
		{0, 127, 128}, {0, 128, 0}, {0, 1492, 0}, {0, 1493, 1492}, {0, 0xffff, 1492}, {0, 0, 128},
		{1508, 1508, 0}, {1508, 1509, 1508}, {1400, 1400, 0}, {1400, 1401, 1400},
	} {
		l, q, request := open(t, Config{MaxMRU: c.most})
		l.Receive(epoch, ppp.Control{Code: ppp.ConfigureRequest, ID: 9, Data: mruOf(c.asked)}, q)
		got := sent(t, q)[0]
		if c.nak != 0 {
			if got.Code != ppp.ConfigureNak || !bytes.Equal(got.Data, mruOf(c.nak)) {
				t.Errorf("MaxMRU %d: MRU %d is answered by %v, want a Nak with %d", c.most, c.asked, got, c.nak)
			}
			continue
		}
		l.Receive(epoch, ppp.Control{Code: ppp.ConfigureAck, ID: request.ID, Data: request.Data}, q)
		if got.Code != ppp.ConfigureAck || l.PeerMRU() != c.asked || l.State() != ppp.Opened {
			t.Errorf("MaxMRU %d: MRU %d is answered by %v, the peer's MRU is %d", c.most, c.asked, got, l.PeerMRU())
		}
	}
	for most, want := range map[int]int{0: 1492, 1400: 1400, 1500: 1500, 1508: 1500} { // a peer that does not say
		l, q := opened(t, Config{MaxMRU: most})
		if q.Len() != 0 || l.PeerMRU() != want {
			t.Errorf("MaxMRU %d: a peer that names no MRU has %d, want %d", most, l.PeerMRU(), want)
		}
	}
	for most, want := range map[int]int{1491: 1491, 1492: 1492, 1500: 1492} { // a value of a wrong length
		if got := answerTo(t, Config{MaxMRU: most}, 1, 3, 5); !bytes.Equal(got.Data, mruOf(want)) {
			t.Errorf("MaxMRU %d: an MRU of one octet is answered by %v, want a Nak with %d", most, got, want)
		}
	}
}

// TestOurMRU: what we ask for within its bounds, and what a Nak makes of it: at least MinMRU,
// at most what we wanted.
func TestOurMRU(t *testing.T) {
	for _, c := range []struct{ mru, most, want int }{
		{0, 0, 1492}, {1400, 0, 1400}, {1492, 0, 1492}, {1493, 0, 1492}, {1500, 1500, 1500}, {0, 1500, 1492}, {0, 1400, 1400},
		{127, 0, 128}, {128, 0, 128}, {129, 0, 129}, {-1, -1, 1492},
	} {
		if l, _, _ := open(t, Config{MRU: c.mru, MaxMRU: c.most}); l.MRU() != c.want {
			t.Errorf("MRU %d, MaxMRU %d: we ask for %d, want %d", c.mru, c.most, l.MRU(), c.want)
		}
	}
	for nak, want := range map[int]int{127: 1400, 128: 128, 129: 129, 1399: 1399, 1400: 1400, 1401: 1400, 0: 1400} {
		l, q, request := open(t, Config{MRU: 1400})
		l.Receive(epoch, ppp.Control{Code: ppp.ConfigureNak, ID: request.ID, Data: mruOf(nak)}, q)
		if again := sent(t, q)[0]; l.MRU() != want || !bytes.HasPrefix(again.Data, mruOf(want)) {
			t.Errorf("after a Nak with %d we ask for %d, want %d", nak, l.MRU(), want)
		}
	}
	l, q, request := open(t, Config{MRU: 1400})
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureNak, ID: request.ID, Data: []byte{OptMRU, 5, 5, 0, 0}}, q)
	if l.MRU() != 1400 {
		t.Errorf("a Nak with an MRU of three octets makes ours %d", l.MRU())
	}
}

// small is an open link whose peer receives 200 octets.
func small(t *testing.T) (*Link, *ppp.Queue) {
	t.Helper()
	l, q, request := open(t, Config{})
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureRequest, ID: 1, Data: mruOf(200)}, q)
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureAck, ID: request.ID, Data: request.Data}, q)
	sent(t, q)
	return l, q
}

// TestCutToPeersMRU: what holds a packet of the peer's is as long as the peer receives, and no
// longer (RFC 1661 sections 5.6, 5.7 and 5.8).
func TestCutToPeersMRU(t *testing.T) {
	for _, c := range []struct {
		what string
		make func(l *Link, q *ppp.Queue, n int) // of n octets
		less int                                // than the answer has
	}{
		{"Code-Reject", func(l *Link, q *ppp.Queue, n int) {
			l.Receive(epoch, ppp.Control{Code: 99, Data: make([]byte, n-ppp.ControlHeaderLen)}, q)
		}, ppp.ControlHeaderLen},
		{"Protocol-Reject", func(l *Link, q *ppp.Queue, n int) { l.RejectProtocol(make([]byte, n), q) }, ppp.ControlHeaderLen},
		{"Echo-Reply", func(l *Link, q *ppp.Queue, n int) {
			l.Receive(epoch, ppp.Control{Code: ppp.EchoRequest, Data: append([]byte{9, 9, 9, 9}, make([]byte, n-4-ppp.ControlHeaderLen)...)}, q)
		}, 0},
	} {
		for _, n := range []int{50, 199 - c.less, 200 - c.less, 201 - c.less, 1492} {
			l, q := small(t)
			c.make(l, q, n)
			got := sent(t, q)
			if want := min(200, n+c.less); len(got) != 1 || ppp.ControlHeaderLen+len(got[0].Data) != want {
				t.Errorf("%s of %d octets: %v, want %d octets", c.what, n, got, want)
			}
		}
	}
}

// TestShortPackets: both sides of the least that each code needs, and the error for less.
func TestShortPackets(t *testing.T) {
	ff := []byte{0xff, 0xff, 0xff, 0xff}
	for _, c := range []struct {
		what string
		in   ppp.Control
		want error
	}{
		{"Echo-Request of three octets", ppp.Control{Code: ppp.EchoRequest, Data: ff[:3]}, ErrMagic},
		{"Echo-Request of four", ppp.Control{Code: ppp.EchoRequest, Data: ff}, nil},
		{"Echo-Reply of three octets", ppp.Control{Code: ppp.EchoReply, Data: ff[:3]}, ErrMagic},
		{"Echo-Reply of four", ppp.Control{Code: ppp.EchoReply, Data: ff}, nil},
		{"Protocol-Reject of one octet", ppp.Control{Code: ppp.ProtocolReject, Data: ff[:1]}, ppp.ErrShortFrame},
		{"Protocol-Reject of two", ppp.Control{Code: ppp.ProtocolReject, Data: ff[:2]}, nil},
		{"Code-Reject of none", ppp.Control{Code: ppp.CodeReject}, ppp.ErrShortControl},
		{"Code-Reject of one", ppp.Control{Code: ppp.CodeReject, Data: ff[:1]}, nil},
	} {
		l, q := opened(t, Config{})
		l.Probe(epoch, q)
		if c.in.Code == ppp.EchoReply {
			c.in.ID = sent(t, q)[0].ID
		}
		if _, err := l.Receive(epoch, c.in, q); err != c.want {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	for _, code := range []ppp.Code{ppp.EchoRequest, ppp.EchoReply, ppp.ProtocolReject} { // before the link is open
		l, q, _ := open(t, Config{})
		if _, err := l.Receive(epoch, ppp.Control{Code: code, Data: ff}, q); err != ErrNotOpened {
			t.Errorf("code %d before the link is open: %v, want ErrEarly", code, err)
		}
	}
	l, q := opened(t, Config{})
	l.Probe(epoch, q)
	ask := sent(t, q)[0]
	if _, err := l.Receive(epoch, ppp.Control{Code: ppp.EchoReply, ID: ask.ID, Data: ask.Data}, q); err != ErrOwnMagic || l.Unanswered() != 1 {
		t.Errorf("our own Magic-Number in an Echo-Reply: %v, %d unanswered; want ErrOwn and one", err, l.Unanswered())
	}
}

// TestEchoAges: an answer to any request since the last answer counts, one to an earlier or
// later one does not.
func TestEchoAges(t *testing.T) {
	for age, want := range map[int]error{-1: ErrEcho, 0: nil, 1: nil, 2: nil, 3: ErrEcho} {
		l, q := opened(t, Config{Echo: Echo{Interval: 10 * time.Second, Failures: 5}})
		var ids []uint8
		answer := func(id uint8) error {
			_, err := l.Receive(epoch, ppp.Control{Code: ppp.EchoReply, ID: id, Data: make([]byte, 4)}, q)
			return err
		}
		answer(0) // the one that the link has opened with
		for range 3 {
			l.Advance(l.Deadline(), q)
			ids = append(ids, sent(t, q)[0].ID)
		}
		if err := answer(ids[2] - uint8(age)); err != want || (l.Unanswered() == 0) != (want == nil) {
			t.Errorf("an answer to the request %d before the last: %v, %d unanswered; want %v", age, err, l.Unanswered(), want)
		}
	}
}

// TestLoopCount: five requests in a row with our own Magic-Number are a loop, four are none,
// and another one's number begins the count anew.
func TestLoopCount(t *testing.T) {
	l, q, request := open(t, Config{})
	id := uint8(0)
	hear := func(data []byte) {
		id++
		l.Receive(epoch, ppp.Control{Code: ppp.ConfigureRequest, ID: id, Data: data}, q)
	}
	other := []byte{OptMagic, 6, 1, 1, 1, 1}
	for range 4 {
		hear(request.Data)
	}
	if l.Looped() {
		t.Fatal("looped after four")
	}
	hear(other)
	for n := range 5 {
		if l.Looped() {
			t.Fatalf("looped after another's number and %d", n)
		}
		hear(request.Data)
	}
	if !l.Looped() {
		t.Error("not looped after five")
	}
}

// repeating is randomness that is always the same.
type repeating byte

func (r repeating) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(r)
	}
	return len(b), nil
}

// TestMagicNeverZeroNorTheSame: RFC 1661 section 6.4, whatever randomness says.
func TestMagicNeverZeroNorTheSame(t *testing.T) {
	for _, r := range []repeating{0, 7, 0xff} {
		o := newOptions(&Config{Rand: r})
		first := o.magic
		o.drawMagic()
		if first == 0 || o.magic == 0 || o.magic == first {
			t.Errorf("randomness of %#x: %#x, and then %#x", byte(r), first, o.magic)
		}
	}
}

// TestNearestMethod: a method that we do not answer is answered by one of the same protocol,
// also where the protocol is all that was named, or not even that.
func TestNearestMethod(t *testing.T) {
	answer := []ppp.Method{pap.Method, chap.MSv2, chap.MD5}
	for _, c := range []struct{ asked, want []byte }{
		{[]byte{0xc2, 0x23}, []byte{0xc2, 0x23, 0x81}}, {[]byte{0xc2, 0x23, 0x80}, []byte{0xc2, 0x23, 0x81}},
		{[]byte{0xc2}, []byte{0xc0, 0x23}}, {nil, []byte{0xc0, 0x23}}, {[]byte{0xc2, 0x27}, []byte{0xc0, 0x23}},
	} {
		got := answerTo(t, Config{AllowAuth: answer}, ppp.Option{Type: OptAuth, Value: c.asked}.AppendTo(nil)...)
		if want := (ppp.Option{Type: OptAuth, Value: c.want}).AppendTo(nil); got.Code != ppp.ConfigureNak || !bytes.Equal(got.Data, want) {
			t.Errorf("% x is answered by %v, want a Nak with % x", c.asked, got, c.want)
		}
	}
}

// TestNoRandomness: what must not fail, and does, is not hidden.
func TestNoRandomness(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a Magic-Number without randomness")
		}
	}()
	newOptions(&Config{Rand: bytes.NewReader(nil)})
}

// TestPreference: of a Nak's method the one suggested is tried next, if it is among ours and
// untried; any other has ours tried in order.
func TestPreference(t *testing.T) {
	demand := []ppp.Method{chap.MSv2, chap.MD5, pap.Method}
	for _, c := range []struct {
		suggests []byte
		want     ppp.Method
	}{
		{[]byte{0xc0, 0x23}, pap.Method}, {[]byte{0xc2, 0x23, 5}, chap.MD5}, {[]byte{0xc2, 0x23, 0x81}, chap.MD5}, {[]byte{0xc2, 0x27}, chap.MD5}, {nil, chap.MD5},
	} {
		l, q, request := open(t, Config{RequireAuth: demand})
		l.Receive(epoch, ppp.Control{Code: ppp.ConfigureNak, ID: request.ID, Data: ppp.Option{Type: OptAuth, Value: c.suggests}.AppendTo(nil)}, q)
		if l.PeerMethod() != c.want || l.AuthRefused() {
			t.Errorf("suggested % x: we demand %v, refused %v; want %v", c.suggests, l.PeerMethod(), l.AuthRefused(), c.want)
		}
	}
}
