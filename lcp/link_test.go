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

// open returns a link and the first request that it has sent.
func open(t testing.TB, cfg Config) (*Link, *ppp.Queue, ppp.Control) {
	t.Helper()
	cfg.Rand = rand.Reader
	l, q := New(&cfg, Peer{}), &ppp.Queue{}
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

// opened returns an open link, whose peer's Magic-Number is all ones.
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

// answer returns a link's answer to a peer's request.
func answer(t *testing.T, cfg Config, options ...byte) ppp.Control {
	t.Helper()
	l, q, _ := open(t, cfg)
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureRequest, ID: 9, Data: options}, q)
	all := sent(t, q)
	return all[len(all)-1]
}

func TestEvaluate(t *testing.T) {
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
		{"PFC and ACFC, and an MRU to nak", Config{}, []byte{7, 2, 1, 4, 0, 1, 8, 2}, ppp.ConfigureReject, []byte{7, 2, 8, 2}},
		{"FCS alternatives", Config{}, []byte{9, 3, 1}, ppp.ConfigureReject, []byte{9, 3, 1}},
		{"multilink", Config{}, []byte{17, 4, 5, 0xdc}, ppp.ConfigureReject, []byte{17, 4, 5, 0xdc}},
		{"an allowed method", both, []byte{3, 4, 0xc0, 0x23}, ppp.ConfigureAck, []byte{3, 4, 0xc0, 0x23}},
		{"one that is not allowed", both, []byte{3, 5, 0xc2, 0x23, 0x81}, ppp.ConfigureNak, []byte{3, 5, 0xc2, 0x23, 5}},
		{"one of another protocol", both, []byte{3, 4, 0xc2, 0x27}, ppp.ConfigureNak, []byte{3, 5, 0xc2, 0x23, 5}},
		{"CHAP with an unknown algorithm, though we prefer EAP", all, []byte{3, 5, 0xc2, 0x23, 0x80}, ppp.ConfigureNak, []byte{3, 5, 0xc2, 0x23, 5}},
		{"an empty one", both, []byte{3, 2}, ppp.ConfigureNak, []byte{3, 5, 0xc2, 0x23, 5}},
		{"one, and none is allowed", Config{}, []byte{3, 4, 0xc0, 0x23}, ppp.ConfigureReject, []byte{3, 4, 0xc0, 0x23}},
	} {
		got := answer(t, c.cfg, c.in...)
		if got.Code != c.code || c.data != nil && !bytes.Equal(got.Data, c.data) || got.ID != 9 {
			t.Errorf("%s is answered by code %d, % x; want %d, % x", c.what, got.Code, got.Data, c.code, c.data)
		}
	}
}

func TestRequest(t *testing.T) {
	_, _, request := open(t, Config{RequireAuth: []ppp.Method{chap.MD5}})
	want := []byte{1, 4, 5, 0xd4, 3, 5, 0xc2, 0x23, 5, 5, 6}
	if len(request.Data) != 15 || !bytes.Equal(request.Data[:11], want) || bytes.Equal(request.Data[11:], make([]byte, 4)) {
		t.Errorf("requests % x, want MRU 1492, CHAP with MD5 and a Magic-Number", request.Data)
	}
	if _, _, request := open(t, Config{MRU: 1500, MaxMRU: 1500, NoMagic: true}); len(request.Data) != 0 {
		t.Errorf("requests % x, want nothing: all options are the default", request.Data)
	}
}

// TestAuthRefused: a peer may choose one of the required methods, but must not refuse all.
func TestAuthRefused(t *testing.T) {
	cfg := Config{RequireAuth: []ppp.Method{chap.MSv2, chap.MD5, pap.Method}}
	l, q, request := open(t, cfg)
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureNak, ID: request.ID, Data: []byte{3, 4, 0xc0, 0x23}}, q)
	if l.PeerMethod() != ppp.Method(pap.Method) || l.AuthRefused() {
		t.Errorf("after a Nak with PAP we require %v, refused %v; want PAP", l.PeerMethod(), l.AuthRefused())
	}
	for range 3 {
		again := sent(t, q)
		l.Receive(epoch, ppp.Control{Code: ppp.ConfigureNak, ID: again[len(again)-1].ID, Data: []byte{3, 4, 0xc2, 0x27}}, q)
	}
	if !l.AuthRefused() {
		t.Error("a peer that accepts none of our methods is not reported")
	}
	var requested []ppp.Method
	for l.negotiator.Reset(); !l.AuthRefused(); l.negotiator.tryNextMethod(nil) {
		requested = append(requested, l.PeerMethod())
	}
	if !slices.Equal(requested, cfg.RequireAuth) {
		t.Errorf("a new negotiation requests %v, want our order again", requested)
	}
	l, q, request = open(t, cfg)
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureReject, ID: request.ID, Data: []byte{3, 5, 0xc2, 0x23, 0x81}}, q)
	if !l.AuthRefused() {
		t.Error("a peer that rejects authentication is not reported")
	}
	if cfg.RequireAuth[1] != ppp.Method(chap.MD5) {
		t.Error("the configuration, which links share, has changed")
	}
}

// TestLoop: a looped link is detected, with any Max-Failure. Its own Reject of required
// authentication does not count as the peer's.
func TestLoop(t *testing.T) {
	methods := []ppp.Method{chap.MD5, pap.Method}
	for _, cfg := range []Config{
		{}, {Limits: ppp.NegotiationLimits{MaxFailure: 1}}, {Limits: ppp.NegotiationLimits{MaxFailure: 3}}, {Limits: ppp.NegotiationLimits{MaxFailure: 50}},
		{RequireAuth: methods}, {RequireAuth: methods[:1], Limits: ppp.NegotiationLimits{MaxFailure: 1}},
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
			t.Errorf("%+v: a looped link is not detected: %v, refused %v", cfg, l.State(), l.AuthRefused())
		}
	}
}

func TestEcho(t *testing.T) {
	l, q, _ := open(t, Config{})
	request := ppp.Control{Code: ppp.EchoRequest, ID: 5, Data: []byte{0xff, 0xff, 0xff, 0xff, 'h', 'i'}}
	if _, err := l.Receive(epoch, request, q); err != ErrNotOpened || q.Len() != 0 {
		t.Errorf("an Echo-Request before the link is open: %v, want ErrNotOpened and no answer", err)
	}
	l, q = opened(t, Config{})
	l.Receive(epoch, request, q)
	got := sent(t, q)
	if len(got) != 1 || got[0].Code != ppp.EchoReply || got[0].ID != 5 || string(got[0].Data[4:]) != "hi" || bytes.Equal(got[0].Data[:4], request.Data[:4]) {
		t.Errorf("answered by %v, want the same data with our Magic-Number", got)
	}
	if _, err := l.Receive(epoch, ppp.Control{Code: ppp.EchoRequest, Data: got[0].Data}, q); err != ErrOwnMagic {
		t.Errorf("one with our own Magic-Number: %v, want ErrOwnMagic", err)
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
	request := step()
	if request.Code != ppp.EchoRequest || now.Sub(epoch) != 10*time.Second {
		t.Fatalf("after %v sent %v, want an Echo-Request after 10 s", now.Sub(epoch), request)
	}
	if _, err := l.Receive(now, ppp.Control{Code: ppp.EchoReply, ID: request.ID + 1, Data: make([]byte, 4)}, q); err != ErrEcho {
		t.Errorf("a reply to no request: %v, want ErrEcho", err)
	}
	if _, err := l.Receive(now, ppp.Control{Code: ppp.EchoReply, ID: request.ID, Data: []byte{0xff, 0xff, 0xff, 0xff}}, q); err != nil {
		t.Errorf("a good reply: %v", err)
	}
	steps := 0
	for ; !l.Dead(); steps++ {
		if step(); steps > 9 {
			t.Fatal("a silent peer is never dead")
		}
	}
	if steps != 4 {
		t.Errorf("the peer was dead after %d steps, want three requests and the last timeout", steps)
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
		t.Errorf("sent %d octets, %d; want them truncated to the peer's MRU %d, with new Identifiers", len(got[0].Data), len(got[1].Data), l.PeerMRU())
	}
	l.Receive(epoch, ppp.Control{Code: ppp.ProtocolReject, ID: 1, Data: []byte{0x80, 0x57, 1}}, q)
	if p := l.TakeRejectedProtocol(); p != ppp.IPv6CP || l.TakeRejectedProtocol() != 0 {
		t.Errorf("rejected: %v, want IPv6CP, once", p)
	}
	if s, _ := l.Receive(epoch, ppp.Control{Code: ppp.ProtocolReject, ID: 1, Data: []byte{0xc0, 0x21}}, q); !s.Has(ppp.LayerDown) {
		t.Error("a peer that rejects LCP keeps its link")
	}
}

func TestCodesWithoutAnswer(t *testing.T) {
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
				t.Fatalf("one packet produced %d", q.Len())
			}
			q.Reset()
		}
		if l.PeerMRU() < MinMRU || l.PeerMRU() > EtherMRU {
			t.Errorf("the peer's MRU is %d", l.PeerMRU())
		}
	})
}

// echoes advances a link until it is dead or has sent the wanted number of Echo-Requests, and
// returns their times in seconds. answer reports whether the n-th one is answered.
func echoes(t *testing.T, l *Link, q *ppp.Queue, want int, answer func(n int) bool) (at []float64) {
	t.Helper()
	for range 100 {
		if l.Dead() || l.Deadline().IsZero() || len(at) == want {
			return at
		}
		now := l.Deadline()
		l.Advance(now, q)
		for _, request := range sent(t, q) {
			at = append(at, now.Sub(epoch).Seconds())
			if answer(len(at)) {
				l.Receive(now, ppp.Control{Code: ppp.EchoReply, ID: request.ID, Data: []byte{0xff, 0xff, 0xff, 0xff}}, q)
			}
		}
	}
	return at
}

func never(int) bool { return false }

// TestCheckPeer: a checked peer is dead after three seconds without an answer, whether or not Echo is
// enabled. After an answer Echo continues as configured.
func TestCheckPeer(t *testing.T) {
	for _, cfg := range []Echo{{}, {Interval: 10 * time.Second}, {Interval: 10 * time.Second, Failures: 5, Adaptive: true}} {
		l, q := opened(t, Config{Echo: cfg})
		checked := epoch.Add(5 * time.Second)
		l.CheckPeer(checked, q)
		if requests := sent(t, q); len(requests) != 1 || requests[0].Code != ppp.EchoRequest {
			t.Errorf("%+v: CheckPeer sends %v, want an Echo-Request", cfg, requests)
		}
		l.NoteTraffic() // does not count as an answer: it may have been in flight
		if at := echoes(t, l, q, 10, never); !slices.Equal(at, []float64{6, 7}) || !l.Dead() {
			t.Errorf("%+v: without an answer requests at %v s, dead %v; want 6 and 7 s, and dead", cfg, at, l.Dead())
		}
		l, q = opened(t, Config{Echo: cfg})
		l.CheckPeer(checked, q)
		request := sent(t, q)[0]
		l.Receive(checked.Add(time.Second), ppp.Control{Code: ppp.EchoReply, ID: request.ID, Data: make([]byte, 4)}, q)
		want := []float64{16, 26}
		if cfg.Interval == 0 {
			want = nil
		}
		if at := echoes(t, l, q, 2, never); !slices.Equal(at, want) || l.Dead() {
			t.Errorf("%+v: after an answer requests at %v s, want %v", cfg, at, want)
		}
	}
}

// TestCheckPeerNotOpen: a link that is not open is not checked, and a renegotiation ends a check.
func TestCheckPeerNotOpen(t *testing.T) {
	l, q, _ := open(t, Config{})
	l.CheckPeer(epoch, q)
	if requests := sent(t, q); len(requests) != 0 {
		t.Errorf("before the link is open: %v", requests)
	}
	l, q = opened(t, Config{Echo: Echo{Interval: 10 * time.Second}})
	l.CheckPeer(epoch, q)
	sent(t, q)
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureRequest, ID: 2, Data: []byte{OptMagic, 6, 0xff, 0xff, 0xff, 0xff}}, q)
	request := sent(t, q)[0]
	l.Receive(epoch, ppp.Control{Code: ppp.ConfigureAck, ID: request.ID, Data: request.Data}, q)
	sent(t, q)
	if at := echoes(t, l, q, 2, never); l.State() != ppp.Opened || !slices.Equal(at, []float64{10, 20}) {
		t.Errorf("%v, requests at %v s, want the configured interval", l.State(), at)
	}
}

// TestCheckPeerRejected: a peer that does not implement Echo-Request is not dead.
func TestCheckPeerRejected(t *testing.T) {
	l, q := opened(t, Config{})
	l.CheckPeer(epoch, q)
	request := sent(t, q)[0]
	l.Receive(epoch, ppp.Control{Code: ppp.CodeReject, ID: 1, Data: []byte{byte(ppp.EchoRequest), request.ID, 0, 4}}, q)
	if at := echoes(t, l, q, 5, never); len(at) > 0 || l.Dead() || l.State() != ppp.Opened {
		t.Errorf("requests at %v s, dead %v, %v", at, l.Dead(), l.State())
	}
}

// TestAdaptive: a peer that has sent data packets since the last request gets no Echo-Request.
func TestAdaptive(t *testing.T) {
	l, q := opened(t, Config{Echo: Echo{Interval: 10 * time.Second, Failures: 2, Adaptive: true}})
	for range 3 {
		l.NoteTraffic()
		l.Advance(l.Deadline(), q)
		if requests := sent(t, q); len(requests) != 0 {
			t.Errorf("a peer that sends data gets %v", requests)
		}
	}
	if at := echoes(t, l, q, 10, never); !slices.Equal(at, []float64{40, 50}) || !l.Dead() {
		t.Errorf("a peer that no longer sends data gets requests at %v s, dead %v; want 40 and 50 s, and dead", at, l.Dead())
	}
	// Traffic after a lost request resets the count.
	l, q = opened(t, Config{Echo: Echo{Interval: 10 * time.Second, Failures: 2, Adaptive: true}})
	l.Advance(l.Deadline(), q)
	sent(t, q)
	l.NoteTraffic()
	l.Advance(l.Deadline(), q)
	if at := echoes(t, l, q, 10, never); l.Unanswered() != 2 || !slices.Equal(at, []float64{30, 40}) {
		t.Errorf("requests at %v s, %d unanswered", at, l.Unanswered())
	}
	// Without Adaptive, traffic has no effect.
	l, q = opened(t, Config{Echo: Echo{Interval: 10 * time.Second, Failures: 2}})
	l.NoteTraffic()
	if at := echoes(t, l, q, 10, never); !slices.Equal(at, []float64{10}) || !l.Dead() { // and one when the link opened
		t.Errorf("without Adaptive requests at %v s", at)
	}
}

// TestUnsupportedAuth: a method that the peer requires and we refuse is kept until the peer requires
// one that we accept, or none.
func TestUnsupportedAuth(t *testing.T) {
	l, q, _ := open(t, Config{AllowAuth: []ppp.Method{chap.MD5}})
	for i, c := range []struct{ in, want []byte }{
		{[]byte{1, 4, 5, 0xd4}, nil},
		{[]byte{3, 5, 0xc2, 0x23, 0x80}, []byte{0xc2, 0x23, 0x80}},
		{[]byte{3, 5, 0xc2, 0x23, 0x81}, []byte{0xc2, 0x23, 0x81}},
		{[]byte{3, 4, 0xc0, 0x23}, []byte{0xc0, 0x23}},
		{[]byte{3, 2}, nil},
		{[]byte{3, 5, 0xc2, 0x23, 0x80}, []byte{0xc2, 0x23, 0x80}},
		{[]byte{3, 5, 0xc2, 0x23, 5, 1, 4, 0, 1}, nil}, // its MRU is too small, but the method is allowed
		{[]byte{3, 5, 0xc2, 0x23, 0x80}, []byte{0xc2, 0x23, 0x80}},
		{[]byte{1, 4, 5, 0xd4}, nil},
	} {
		l.Receive(epoch, ppp.Control{Code: ppp.ConfigureRequest, ID: uint8(i), Data: c.in}, q)
		if got := l.UnsupportedAuth(); !bytes.Equal(got, c.want) {
			t.Errorf("after %d requests, the last % x: % x, want % x", i+1, c.in, got, c.want)
		}
	}
}
