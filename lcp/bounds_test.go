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

// TestNumbers: the option types of RFC 1661 section 6, RFC 1570 section 2, RFC 1662 section 7 and RFC
// 1990 section 5.1; the MRUs of RFC 1661 section 6.1 and RFC 2516 section 7.
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

// TestPeerMRU: both sides of each bound of the peer's MRU.
func TestPeerMRU(t *testing.T) {
	for _, c := range []struct{ most, requested, nak int }{ // nak 0: it is acknowledged
		{0, 127, 128}, {0, 128, 0}, {0, 1492, 0}, {0, 1493, 1492}, {0, 0xffff, 1492}, {0, 0, 128},
		{1508, 1508, 0}, {1508, 1509, 1508}, {1400, 1400, 0}, {1400, 1401, 1400},
	} {
		l, q, request := open(t, Config{MaxMRU: c.most})
		l.Receive(epoch, ppp.Control{Code: ppp.ConfigureRequest, ID: 9, Data: mruOf(c.requested)}, q)
		got := sent(t, q)[0]
		if c.nak != 0 {
			if got.Code != ppp.ConfigureNak || !bytes.Equal(got.Data, mruOf(c.nak)) {
				t.Errorf("MaxMRU %d: MRU %d is answered by %v, want a Nak with %d", c.most, c.requested, got, c.nak)
			}
			continue
		}
		l.Receive(epoch, ppp.Control{Code: ppp.ConfigureAck, ID: request.ID, Data: request.Data}, q)
		if got.Code != ppp.ConfigureAck || l.PeerMRU() != c.requested || l.State() != ppp.Opened {
			t.Errorf("MaxMRU %d: MRU %d is answered by %v, the peer's MRU is %d", c.most, c.requested, got, l.PeerMRU())
		}
	}
	for most, want := range map[int]int{0: 1492, 1400: 1400, 1500: 1500, 1508: 1500} { // a peer without the option
		l, q := opened(t, Config{MaxMRU: most})
		if q.Len() != 0 || l.PeerMRU() != want {
			t.Errorf("MaxMRU %d: a peer without the option has %d, want %d", most, l.PeerMRU(), want)
		}
	}
	for most, want := range map[int]int{1491: 1491, 1492: 1492, 1500: 1492} { // a value of a wrong length
		if got := answer(t, Config{MaxMRU: most}, 1, 3, 5); !bytes.Equal(got.Data, mruOf(want)) {
			t.Errorf("MaxMRU %d: an MRU of one octet is answered by %v, want a Nak with %d", most, got, want)
		}
	}
}

// TestOurMRU: the MRU that we request is within its bounds, also after a Nak: at least MinMRU, at
// most the configured one.
func TestOurMRU(t *testing.T) {
	for _, c := range []struct{ mru, most, want int }{
		{0, 0, 1492}, {1400, 0, 1400}, {1492, 0, 1492}, {1493, 0, 1492}, {1500, 1500, 1500}, {0, 1500, 1492}, {0, 1400, 1400},
		{127, 0, 128}, {128, 0, 128}, {129, 0, 129}, {-1, -1, 1492},
	} {
		if l, _, _ := open(t, Config{MRU: c.mru, MaxMRU: c.most}); l.MRU() != c.want {
			t.Errorf("MRU %d, MaxMRU %d: we request for %d, want %d", c.mru, c.most, l.MRU(), c.want)
		}
	}
	for nak, want := range map[int]int{127: 1400, 128: 128, 129: 129, 1399: 1399, 1400: 1400, 1401: 1400, 0: 1400} {
		l, q, request := open(t, Config{MRU: 1400})
		l.Receive(epoch, ppp.Control{Code: ppp.ConfigureNak, ID: request.ID, Data: mruOf(nak)}, q)
		if again := sent(t, q)[0]; l.MRU() != want || !bytes.HasPrefix(again.Data, mruOf(want)) {
			t.Errorf("after a Nak with %d we request for %d, want %d", nak, l.MRU(), want)
		}
	}
	l, q, request := open(t, Config{MRU: 1400})
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureNak, ID: request.ID, Data: []byte{OptMRU, 5, 5, 0, 0}}, q)
	if l.MRU() != 1400 {
		t.Errorf("after a Nak with an MRU of three octets ours is %d", l.MRU())
	}
}

// linkWithPeerMRU200 returns an open link whose peer's MRU is 200.
func linkWithPeerMRU200(t *testing.T) (*Link, *ppp.Queue) {
	t.Helper()
	l, q, request := open(t, Config{})
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureRequest, ID: 1, Data: mruOf(200)}, q)
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureAck, ID: request.ID, Data: request.Data}, q)
	sent(t, q)
	return l, q
}

// TestTruncatedToPeerMRU: a packet that contains one of the peer's is truncated to exactly the peer's
// MRU (RFC 1661 sections 5.6, 5.7 and 5.8).
func TestTruncatedToPeerMRU(t *testing.T) {
	for _, c := range []struct {
		what string
		send func(l *Link, q *ppp.Queue, n int) // a packet of n octets
		more int                                // octets of the answer
	}{
		{"Code-Reject", func(l *Link, q *ppp.Queue, n int) {
			l.Receive(epoch, ppp.Control{Code: 99, Data: make([]byte, n-ppp.ControlHeaderLen)}, q)
		}, ppp.ControlHeaderLen},
		{"Protocol-Reject", func(l *Link, q *ppp.Queue, n int) { l.RejectProtocol(make([]byte, n), q) }, ppp.ControlHeaderLen},
		{"Echo-Reply", func(l *Link, q *ppp.Queue, n int) {
			l.Receive(epoch, ppp.Control{Code: ppp.EchoRequest, Data: append([]byte{9, 9, 9, 9}, make([]byte, n-4-ppp.ControlHeaderLen)...)}, q)
		}, 0},
	} {
		for _, n := range []int{50, 199 - c.more, 200 - c.more, 201 - c.more, 1492} {
			l, q := linkWithPeerMRU200(t)
			c.send(l, q, n)
			got := sent(t, q)
			if want := min(200, n+c.more); len(got) != 1 || ppp.ControlHeaderLen+len(got[0].Data) != want {
				t.Errorf("%s of %d octets: %v, want %d octets", c.what, n, got, want)
			}
		}
	}
}

// TestShortPackets: the minimum length of each code, and the error for less.
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
		l.CheckPeer(epoch, q)
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
			t.Errorf("code %d before the link is open: %v, want ErrNotOpened", code, err)
		}
	}
	l, q := opened(t, Config{})
	l.CheckPeer(epoch, q)
	request := sent(t, q)[0]
	if _, err := l.Receive(epoch, ppp.Control{Code: ppp.EchoReply, ID: request.ID, Data: request.Data}, q); err != ErrOwnMagic || l.Unanswered() != 1 {
		t.Errorf("our own Magic-Number in an Echo-Reply: %v, %d unanswered; want ErrOwnMagic and one", err, l.Unanswered())
	}
}

// TestLateEchoReply: an answer to any request since the last answer counts, one to an earlier or later
// one does not.
func TestLateEchoReply(t *testing.T) {
	for age, want := range map[int]error{-1: ErrEcho, 0: nil, 1: nil, 2: nil, 3: ErrEcho} {
		l, q := opened(t, Config{Echo: Echo{Interval: 10 * time.Second, Failures: 5}})
		var ids []uint8
		answer := func(id uint8) error {
			_, err := l.Receive(epoch, ppp.Control{Code: ppp.EchoReply, ID: id, Data: make([]byte, 4)}, q)
			return err
		}
		answer(0) // to the request sent when the link opened
		for range 3 {
			l.Advance(l.Deadline(), q)
			ids = append(ids, sent(t, q)[0].ID)
		}
		if err := answer(ids[2] - uint8(age)); err != want || (l.Unanswered() == 0) != (want == nil) {
			t.Errorf("an answer to the request %d before the last: %v, %d unanswered; want %v", age, err, l.Unanswered(), want)
		}
	}
}

// TestLoopCount: after five successive requests with our own Magic-Number the link is looped, after
// four it is not; another number resets the count.
func TestLoopCount(t *testing.T) {
	l, q, request := open(t, Config{})
	id := uint8(0)
	receive := func(data []byte) {
		id++
		l.Receive(epoch, ppp.Control{Code: ppp.ConfigureRequest, ID: id, Data: data}, q)
	}
	other := []byte{OptMagic, 6, 1, 1, 1, 1}
	for range 4 {
		receive(request.Data)
	}
	if l.Looped() {
		t.Fatal("looped after four")
	}
	receive(other)
	for n := range 5 {
		if l.Looped() {
			t.Fatalf("looped after another number and %d", n)
		}
		receive(request.Data)
	}
	if !l.Looped() {
		t.Error("not looped after five")
	}
}

// constant is a source of octets that are all the same.
type constant byte

func (r constant) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(r)
	}
	return len(b), nil
}

// TestNewMagic: a new Magic-Number is never zero nor the old one (RFC 1661 section 6.4), whatever the
// source returns.
func TestNewMagic(t *testing.T) {
	for _, r := range []constant{0, 7, 0xff} {
		n := &New(&Config{Rand: r}, Peer{}).negotiator
		first := n.magic
		n.drawMagic()
		if first == 0 || n.magic == 0 || n.magic == first {
			t.Errorf("source of %#x: %#x, and then %#x", byte(r), first, n.magic)
		}
	}
}

// TestSuggestedMethod: a method that is not allowed gets a Nak with one of the same protocol, also if
// the option is too short to name a method.
func TestSuggestedMethod(t *testing.T) {
	allowed := []ppp.Method{pap.Method, chap.MSv2, chap.MD5}
	for _, c := range []struct{ requested, want []byte }{
		{[]byte{0xc2, 0x23}, []byte{0xc2, 0x23, 0x81}}, {[]byte{0xc2, 0x23, 0x80}, []byte{0xc2, 0x23, 0x81}},
		{[]byte{0xc2}, []byte{0xc0, 0x23}}, {nil, []byte{0xc0, 0x23}}, {[]byte{0xc2, 0x27}, []byte{0xc0, 0x23}},
	} {
		got := answer(t, Config{AllowAuth: allowed}, ppp.Option{Type: OptAuth, Value: c.requested}.AppendTo(nil)...)
		if want := (ppp.Option{Type: OptAuth, Value: c.want}).AppendTo(nil); got.Code != ppp.ConfigureNak || !bytes.Equal(got.Data, want) {
			t.Errorf("% x is answered by %v, want a Nak with % x", c.requested, got, c.want)
		}
	}
}

// TestRandFails: a failing source of random numbers panics.
func TestRandFails(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a Magic-Number without random numbers")
		}
	}()
	New(&Config{Rand: bytes.NewReader(nil)}, Peer{})
}

// TestNextMethod: after a Nak the suggested method is requested, if it is allowed and was not yet
// requested; otherwise our next one.
func TestNextMethod(t *testing.T) {
	methods := []ppp.Method{chap.MSv2, chap.MD5, pap.Method}
	for _, c := range []struct {
		suggests []byte
		want     ppp.Method
	}{
		{[]byte{0xc0, 0x23}, pap.Method}, {[]byte{0xc2, 0x23, 5}, chap.MD5}, {[]byte{0xc2, 0x23, 0x81}, chap.MD5}, {[]byte{0xc2, 0x27}, chap.MD5}, {nil, chap.MD5},
	} {
		l, q, request := open(t, Config{RequireAuth: methods})
		l.Receive(epoch, ppp.Control{Code: ppp.ConfigureNak, ID: request.ID, Data: ppp.Option{Type: OptAuth, Value: c.suggests}.AppendTo(nil)}, q)
		if l.PeerMethod() != c.want || l.AuthRefused() {
			t.Errorf("suggested % x: we require %v, refused %v; want %v", c.suggests, l.PeerMethod(), l.AuthRefused(), c.want)
		}
	}
}
