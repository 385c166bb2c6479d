package lcp

import (
	"bytes"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/pap"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// open is a link that has sent its first request, which is returned.
func open(t testing.TB, cfg Config) (*Link, *ppp.Queue, ppp.Control) {
	t.Helper()
	cfg.Rand = rand.Reader
	l, q := New(&cfg), &ppp.Queue{}
	l.Open(epoch, q)
	return l, q, sent(t, q)[0]
}

func sent(t testing.TB, q *ppp.Queue) (all []ppp.Control) {
	t.Helper()
	for frame := range q.All() {
		p, information, err := ppp.ParseFrame(frame)
		if err != nil || p != ppp.LCP {
			t.Fatalf("sent % x: %v", frame, err)
		}
		c, err := ppp.ParseControl(information)
		if err != nil {
			t.Fatal(err)
		}
		c.Data = slices.Clone(c.Data)
		all = append(all, c)
	}
	q.Reset()
	return all
}

// opened is a link whose peer has agreed, with a magic number of all ones.
func opened(t testing.TB, cfg Config) (*Link, *ppp.Queue) {
	t.Helper()
	l, q, request := open(t, cfg)
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureRequest, ID: 1, Data: []byte{OptMagic, 6, 0xff, 0xff, 0xff, 0xff}}, q)
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureAck, ID: request.ID, Data: request.Data}, q)
	if l.State() != ppp.Opened {
		t.Fatalf("the link is %v, want Opened", l.State())
	}
	q.Reset()
	return l, q
}

// answerTo is what a link makes of a peer's request.
func answerTo(t *testing.T, cfg Config, options ...byte) ppp.Control {
	t.Helper()
	l, q, _ := open(t, cfg)
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureRequest, ID: 9, Data: options}, q)
	all := sent(t, q)
	return all[len(all)-1]
}

func TestJudge(t *testing.T) {
	both := Config{AllowAuth: []ppp.Method{chap.MD5, pap.Method}}
	all := Config{AllowAuth: []ppp.Method{eap.MD5, chap.MD5, pap.Method}}
	for _, c := range []struct {
		what string
		cfg  Config
		in   []byte
		code ppp.Code
		data []byte
	}{
		{"MRU 1492", Config{}, []byte{1, 4, 5, 0xd4}, ppp.ConfigureAck, []byte{1, 4, 5, 0xd4}},
		{"MRU 1500, though RFC 2516 has 1492", Config{}, []byte{1, 4, 5, 0xdc}, ppp.ConfigureNak, []byte{1, 4, 5, 0xd4}},
		{"MRU 1500 by RFC 4638", Config{MaxMRU: 1500}, []byte{1, 4, 5, 0xdc}, ppp.ConfigureAck, []byte{1, 4, 5, 0xdc}},
		{"MRU 100", Config{}, []byte{1, 4, 0, 100}, ppp.ConfigureNak, []byte{1, 4, 0, 128}},
		{"an MRU of three octets", Config{}, []byte{1, 5, 0, 0, 0}, ppp.ConfigureNak, []byte{1, 4, 5, 0xd4}},
		{"magic 0", Config{}, []byte{5, 6, 0, 0, 0, 0}, ppp.ConfigureNak, nil},
		{"a magic of two octets", Config{}, []byte{5, 4, 1, 1}, ppp.ConfigureNak, nil},
		{"ACCM", Config{}, []byte{2, 6, 0, 0, 0, 0}, ppp.ConfigureReject, []byte{2, 6, 0, 0, 0, 0}},
		{"PFC and ACFC, and an MRU to be naked", Config{}, []byte{7, 2, 1, 4, 0, 1, 8, 2}, ppp.ConfigureReject, []byte{7, 2, 8, 2}},
		{"FCS alternatives", Config{}, []byte{9, 3, 1}, ppp.ConfigureReject, []byte{9, 3, 1}},
		{"multilink", Config{}, []byte{17, 4, 5, 0xdc}, ppp.ConfigureReject, []byte{17, 4, 5, 0xdc}},
		{"a method that we answer", both, []byte{3, 4, 0xc0, 0x23}, ppp.ConfigureAck, []byte{3, 4, 0xc0, 0x23}},
		{"one that we do not", both, []byte{3, 5, 0xc2, 0x23, 0x81}, ppp.ConfigureNak, []byte{3, 5, 0xc2, 0x23, 5}},
		{"one of a protocol that we answer by another", both, []byte{3, 4, 0xc2, 0x27}, ppp.ConfigureNak, []byte{3, 5, 0xc2, 0x23, 5}},
		{"CHAP by an algorithm that we do not know, though EAP is our best", all, []byte{3, 5, 0xc2, 0x23, 0x80}, ppp.ConfigureNak, []byte{3, 5, 0xc2, 0x23, 5}},
		{"an empty one", both, []byte{3, 2}, ppp.ConfigureNak, []byte{3, 5, 0xc2, 0x23, 5}},
		{"one, and we answer none", Config{}, []byte{3, 4, 0xc0, 0x23}, ppp.ConfigureReject, []byte{3, 4, 0xc0, 0x23}},
	} {
		got := answerTo(t, c.cfg, c.in...)
		if got.Code != c.code || c.data != nil && !bytes.Equal(got.Data, c.data) || got.ID != 9 {
			t.Errorf("%s is answered by code %d, % x; want %d, % x", c.what, got.Code, got.Data, c.code, c.data)
		}
	}
}

func TestRequest(t *testing.T) {
	_, _, request := open(t, Config{RequireAuth: []ppp.Method{chap.MD5}})
	want := []byte{1, 4, 5, 0xd4, 3, 5, 0xc2, 0x23, 5, 5, 6}
	if len(request.Data) != 15 || !bytes.Equal(request.Data[:11], want) || bytes.Equal(request.Data[11:], make([]byte, 4)) {
		t.Errorf("asks for % x, want MRU 1492, CHAP with MD5 and a magic number", request.Data)
	}
	if _, _, request := open(t, Config{MRU: 1500, MaxMRU: 1500, NoMagic: true}); len(request.Data) != 0 {
		t.Errorf("asks for % x, want nothing: all is default", request.Data)
	}
}

// TestDemandRefused: a peer may choose among the methods we accept, but not have none.
func TestDemandRefused(t *testing.T) {
	cfg := Config{RequireAuth: []ppp.Method{chap.MSv2, chap.MD5, pap.Method}}
	l, q, request := open(t, cfg)
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureNak, ID: request.ID, Data: []byte{3, 4, 0xc0, 0x23}}, q)
	if l.PeerMethod() != ppp.Method(pap.Method) || l.AuthRefused() {
		t.Errorf("after a Nak with PAP we demand %v, refused %v; want PAP", l.PeerMethod(), l.AuthRefused())
	}
	for range 3 {
		again := sent(t, q)
		l.Receive(epoch, ppp.Control{Code: ppp.ConfigureNak, ID: again[len(again)-1].ID, Data: []byte{3, 4, 0xc2, 0x27}}, q)
	}
	if !l.AuthRefused() {
		t.Error("a peer that accepts none of our methods has not refused")
	}
	var asked []ppp.Method
	for l.options.Reset(); !l.AuthRefused(); l.options.tryNextMethod(nil) {
		asked = append(asked, l.PeerMethod())
	}
	if !slices.Equal(asked, cfg.RequireAuth) {
		t.Errorf("a new negotiation asks for %v, want our own order again", asked)
	}
	l, q, request = open(t, cfg)
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureReject, ID: request.ID, Data: []byte{3, 5, 0xc2, 0x23, 0x81}}, q)
	if !l.AuthRefused() {
		t.Error("a peer that rejects authentication has not refused")
	}
	if cfg.RequireAuth[1] != ppp.Method(chap.MD5) {
		t.Error("the configuration, which links share, was changed")
	}
}

// TestLoop: a link that hears itself finds that out, however soon it would give up
// its magic number.
//
// What it demands is rejected by itself then, which is not the peer's refusal.
func TestLoop(t *testing.T) {
	methods := []ppp.Method{chap.MD5, pap.Method}
	for _, cfg := range []Config{
		{}, {Limits: ppp.Limits{MaxFailure: 1}}, {Limits: ppp.Limits{MaxFailure: 3}}, {Limits: ppp.Limits{MaxFailure: 50}},
		{RequireAuth: methods}, {RequireAuth: methods[:1], Limits: ppp.Limits{MaxFailure: 1}},
		{RequireAuth: methods, AllowAuth: methods[1:]}, {RequireAuth: methods[:1], AllowAuth: methods[1:]},
	} {
		l, q, first := open(t, cfg)
		waiting := []ppp.Control{first}
		for range 200 {
			if l.Looped() || len(waiting) == 0 {
				break
			}
			c := waiting[0]
			waiting = waiting[1:]
			l.Receive(epoch, c, q)
			waiting = append(waiting, sent(t, q)...)
		}
		if !l.Looped() || l.State() == ppp.Opened || l.AuthRefused() {
			t.Errorf("%+v: a looped link is not seen as one; it is %v, refused %v", cfg, l.State(), l.AuthRefused())
		}
	}
}

func TestEcho(t *testing.T) {
	l, q, _ := open(t, Config{})
	ask := ppp.Control{Code: ppp.EchoRequest, ID: 5, Data: []byte{0xff, 0xff, 0xff, 0xff, 'h', 'i'}}
	if _, err := l.Receive(epoch, ask, q); err != ErrNotOpened || q.Len() != 0 {
		t.Errorf("an Echo-Request before the link is open: %v, want ErrEarly and no answer", err)
	}
	l, q = opened(t, Config{})
	l.Receive(epoch, ask, q)
	got := sent(t, q)
	if len(got) != 1 || got[0].Code != ppp.EchoReply || got[0].ID != 5 || string(got[0].Data[4:]) != "hi" || bytes.Equal(got[0].Data[:4], ask.Data[:4]) {
		t.Errorf("answered by %v, want the same data with our magic number", got)
	}
	if _, err := l.Receive(epoch, ppp.Control{Code: ppp.EchoRequest, Data: got[0].Data}, q); err != ErrOwnMagic {
		t.Errorf("one with our own magic number: %v, want ErrOwn", err)
	}
}

func TestKeepalive(t *testing.T) {
	cfg := Config{Echo: Echo{Interval: 10 * time.Second, Failures: 3}}
	l, q := opened(t, cfg)
	now := epoch
	step := func() ppp.Control {
		now = l.Deadline()
		l.Advance(now, q)
		all := sent(t, q)
		if len(all) == 0 {
			return ppp.Control{}
		}
		return all[0]
	}
	ask := step()
	if ask.Code != ppp.EchoRequest || now.Sub(epoch) != 10*time.Second {
		t.Fatalf("after %v sent %v, want an Echo-Request after 10 s", now.Sub(epoch), ask)
	}
	if _, err := l.Receive(now, ppp.Control{Code: ppp.EchoReply, ID: ask.ID + 1, Data: make([]byte, 4)}, q); err != ErrEcho {
		t.Errorf("a reply to what was not asked: %v, want ErrEcho", err)
	}
	if _, err := l.Receive(now, ppp.Control{Code: ppp.EchoReply, ID: ask.ID, Data: []byte{0xff, 0xff, 0xff, 0xff}}, q); err != nil {
		t.Errorf("a good reply: %v", err)
	}
	asked := 0
	for ; !l.Dead(); asked++ {
		if step(); asked > 9 {
			t.Fatal("a silent peer is never dead")
		}
	}
	if asked != 4 {
		t.Errorf("the peer was dead after %d steps, want three requests and the end of the last one's time", asked)
	}
}

func TestProtocolReject(t *testing.T) {
	l, q, _ := open(t, Config{})
	l.RejectProtocol([]byte{0x80, 0xfd, 1, 1, 0, 4}, q)
	if q.Len() != 0 {
		t.Error("a Protocol-Reject before the link is open")
	}
	l, q = opened(t, Config{})
	frame := append([]byte{0x80, 0xfd}, make([]byte, 2000)...)
	l.RejectProtocol(frame, q)
	l.RejectProtocol(frame, q)
	got := sent(t, q)
	if len(got) != 2 || got[0].Code != ppp.ProtocolReject || len(got[0].Data) != l.PeerMRU()-ppp.ControlHeaderLen || got[0].ID == got[1].ID {
		t.Errorf("sent %d octets, %d; want them cut to the peer's MRU %d, with new Identifiers", len(got[0].Data), len(got[1].Data), l.PeerMRU())
	}
	l.Receive(epoch, ppp.Control{Code: ppp.ProtocolReject, ID: 1, Data: []byte{0x80, 0x57, 1}}, q)
	if p := l.TakeRejectedProtocol(); p != ppp.IPv6CP || l.TakeRejectedProtocol() != 0 {
		t.Errorf("rejected: %v, want IPv6CP, once", p)
	}
	if s, _ := l.Receive(epoch, ppp.Control{Code: ppp.ProtocolReject, ID: 1, Data: []byte{0xc0, 0x21}}, q); !s.Has(ppp.LayerDown) {
		t.Error("a peer that rejects LCP keeps its link")
	}
}

func TestSomeCodesGetNoAnswer(t *testing.T) {
	l, q := opened(t, Config{})
	for _, code := range []ppp.Code{ppp.DiscardRequest, ppp.Identification, ppp.TimeRemaining} {
		if s, err := l.Receive(epoch, ppp.Control{Code: code, Data: make([]byte, 8)}, q); s != 0 || err != nil || q.Len() != 0 {
			t.Errorf("code %d: %v, %v and %d answers; want nothing", code, s, err, q.Len())
		}
	}
}

func FuzzLink(f *testing.F) {
	f.Add([]byte{1, 1, 0, 8, 1, 4, 5, 0xd4}, uint8(3))
	f.Add([]byte{9, 0, 0, 8, 1, 2, 3, 4}, uint8(0))
	f.Fuzz(func(t *testing.T, b []byte, steps uint8) {
		cfg := Config{Echo: Echo{Interval: time.Second, Failures: 2}, AllowAuth: []ppp.Method{pap.Method}, RequireAuth: []ppp.Method{chap.MD5}}
		l, q := opened(t, cfg)
		if steps&1 != 0 {
			l, q, _ = open(t, cfg)
		}
		for range steps % 8 {
			if c, err := ppp.ParseControl(b); err == nil {
				l.Receive(epoch, c, q)
			}
			l.Advance(l.Deadline(), q)
			l.RejectProtocol(b, q)
			if q.Len() > 5 {
				t.Fatalf("one packet made %d", q.Len())
			}
			q.Reset()
		}
		if l.PeerMRU() < MinMRU || l.PeerMRU() > EtherMRU {
			t.Errorf("the peer's MRU is %d", l.PeerMRU())
		}
	})
}

// echoes has a link go on, answered or not, until it is dead or so many requests have
// gone; it returns when they did, in seconds.
func echoes(t *testing.T, l *Link, q *ppp.Queue, want int, answer func(n int) bool) (at []float64) {
	t.Helper()
	for range 100 {
		if l.Dead() || l.Deadline().IsZero() || len(at) == want {
			return at
		}
		now := l.Deadline()
		l.Advance(now, q)
		for _, ask := range sent(t, q) {
			at = append(at, now.Sub(epoch).Seconds())
			if answer(len(at)) {
				l.Receive(now, ppp.Control{Code: ppp.EchoReply, ID: ask.ID, Data: []byte{0xff, 0xff, 0xff, 0xff}}, q)
			}
		}
	}
	return at
}

func never(int) bool { return false }

// TestProbe: a peer that is asked at once has three seconds, whether or not it is
// usually asked, and once it has answered things are as usual.
func TestProbe(t *testing.T) {
	for _, cfg := range []Echo{{}, {Interval: 10 * time.Second}, {Interval: 10 * time.Second, Failures: 5, Adaptive: true}} {
		l, q := opened(t, Config{Echo: cfg})
		probed := epoch.Add(5 * time.Second)
		l.Probe(probed, q)
		if asked := sent(t, q); len(asked) != 1 || asked[0].Code != ppp.EchoRequest {
			t.Errorf("%+v: a probe sends %v, want an Echo-Request", cfg, asked)
		}
		l.NoteTraffic() // which must not do: it may have been on its way
		if at := echoes(t, l, q, 10, never); !slices.Equal(at, []float64{6, 7}) || !l.Dead() {
			t.Errorf("%+v: without an answer it asks at %v s, and dead is %v; want 6 and 7 s, and death", cfg, at, l.Dead())
		}
		l, q = opened(t, Config{Echo: cfg})
		l.Probe(probed, q)
		ask := sent(t, q)[0]
		l.Receive(probed.Add(time.Second), ppp.Control{Code: ppp.EchoReply, ID: ask.ID, Data: make([]byte, 4)}, q)
		want := []float64{16, 26}
		if cfg.Interval == 0 {
			want = nil
		}
		if at := echoes(t, l, q, 2, never); !slices.Equal(at, want) || l.Dead() {
			t.Errorf("%+v: after an answer it asks at %v s, want %v", cfg, at, want)
		}
	}
}

// TestProbeElsewhere: a link that is not open is not probed, and one that negotiates anew
// is not probed any more.
func TestProbeElsewhere(t *testing.T) {
	l, q, _ := open(t, Config{})
	l.Probe(epoch, q)
	if asked := sent(t, q); len(asked) != 0 {
		t.Errorf("before the link is open: %v", asked)
	}
	l, q = opened(t, Config{Echo: Echo{Interval: 10 * time.Second}})
	l.Probe(epoch, q)
	sent(t, q)
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureRequest, ID: 2, Data: []byte{OptMagic, 6, 0xff, 0xff, 0xff, 0xff}}, q)
	request := sent(t, q)[0]
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureAck, ID: request.ID, Data: request.Data}, q)
	sent(t, q)
	if at := echoes(t, l, q, 2, never); l.State() != ppp.Opened || !slices.Equal(at, []float64{10, 20}) {
		t.Errorf("%v, it asks at %v s, want the usual interval", l.State(), at)
	}
}

// TestProbeRejected: a peer that does not know Echo-Request lives.
func TestProbeRejected(t *testing.T) {
	l, q := opened(t, Config{})
	l.Probe(epoch, q)
	ask := sent(t, q)[0]
	l.Receive(epoch, ppp.Control{Code: ppp.CodeReject, ID: 1, Data: []byte{byte(ppp.EchoRequest), ask.ID, 0, 4}}, q)
	if at := echoes(t, l, q, 5, never); len(at) > 0 || l.Dead() || l.State() != ppp.Opened {
		t.Errorf("it asks at %v s, dead %v, %v", at, l.Dead(), l.State())
	}
}

// TestAdaptive: who has been heard since the last look is not asked.
func TestAdaptive(t *testing.T) {
	l, q := opened(t, Config{Echo: Echo{Interval: 10 * time.Second, Failures: 2, Adaptive: true}})
	for range 3 {
		l.NoteTraffic()
		l.Advance(l.Deadline(), q)
		if asked := sent(t, q); len(asked) != 0 {
			t.Errorf("a peer that is heard is asked: %v", asked)
		}
	}
	if at := echoes(t, l, q, 10, never); !slices.Equal(at, []float64{40, 50}) || !l.Dead() {
		t.Errorf("a peer that is heard no more is asked at %v s, dead %v; want 40 and 50 s, and death", at, l.Dead())
	}
	// It is heard after a request that was lost: nothing is counted against it.
	l, q = opened(t, Config{Echo: Echo{Interval: 10 * time.Second, Failures: 2, Adaptive: true}})
	l.Advance(l.Deadline(), q)
	sent(t, q)
	l.NoteTraffic()
	l.Advance(l.Deadline(), q)
	if at := echoes(t, l, q, 10, never); l.Unanswered() != 2 || !slices.Equal(at, []float64{30, 40}) {
		t.Errorf("asked at %v s, %d unanswered", at, l.Unanswered())
	}
	// Without it, hearing counts for nothing.
	l, q = opened(t, Config{Echo: Echo{Interval: 10 * time.Second, Failures: 2}})
	l.NoteTraffic()
	if at := echoes(t, l, q, 10, never); !slices.Equal(at, []float64{10}) || !l.Dead() { // and at first
		t.Errorf("without Adaptive asked at %v s", at)
	}
}

// TestWanted: the method that the peer asks for and we do not take is kept as long as it has asked
// for nothing that we took.
func TestWanted(t *testing.T) {
	l, q, _ := open(t, Config{AllowAuth: []ppp.Method{chap.MD5}})
	for i, c := range []struct{ in, want []byte }{
		{[]byte{1, 4, 5, 0xd4}, nil},
		{[]byte{3, 5, 0xc2, 0x23, 0x80}, []byte{0xc2, 0x23, 0x80}},
		{[]byte{3, 5, 0xc2, 0x23, 0x81}, []byte{0xc2, 0x23, 0x81}},
		{[]byte{3, 4, 0xc0, 0x23}, []byte{0xc0, 0x23}},
		{[]byte{3, 2}, nil},
		{[]byte{3, 5, 0xc2, 0x23, 0x80}, []byte{0xc2, 0x23, 0x80}},
		{[]byte{3, 5, 0xc2, 0x23, 5, 1, 4, 0, 1}, nil}, // its MRU is too small, but the method would do
		{[]byte{3, 5, 0xc2, 0x23, 0x80}, []byte{0xc2, 0x23, 0x80}},
		{[]byte{1, 4, 5, 0xd4}, nil},
	} {
		l.Receive(epoch, ppp.Control{Code: ppp.ConfigureRequest, ID: uint8(i), Data: c.in}, q)
		if got := l.UnsupportedAuth(); !bytes.Equal(got, c.want) {
			t.Errorf("after %d requests, the last % x: % x, want % x", i+1, c.in, got, c.want)
		}
	}
}
