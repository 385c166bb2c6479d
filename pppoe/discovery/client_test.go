package discovery

import (
	"bytes"
	"testing"
	"time"

	"upppoe/pppoe/wire"
)

func TestOffers(t *testing.T) {
	for _, c := range []struct {
		what string
		cfg  ClientConfig
		in   wire.DiscoveryFrame
		err  error
	}{
		{"a matching offer", ClientConfig{}, answer(wire.PADO, 0, acName, anyService, ourHostUniq), nil},
		{"another's Host-Uniq", ClientConfig{}, answer(wire.PADO, 0, acName, anyService, tag(wire.TagHostUniq, "yours")), ErrNotOurs},
		{"no Host-Uniq", ClientConfig{}, answer(wire.PADO, 0, acName, anyService), ErrNotOurs},
		{"a session ID", ClientConfig{}, answer(wire.PADO, 1, acName, anyService, ourHostUniq), ErrNotOurs},
		{"no AC-Name", ClientConfig{}, answer(wire.PADO, 0, anyService, ourHostUniq), ErrIncomplete},
		{"another AC-Name than configured", ClientConfig{ACNames: []string{"b"}}, answer(wire.PADO, 0, acName, anyService, ourHostUniq), ErrUnwanted},
		{"another address than configured", ClientConfig{AC: hostAddr}, answer(wire.PADO, 0, acName, anyService, ourHostUniq), ErrUnwanted},
		{"the configured service", ClientConfig{Service: "gold"}, answer(wire.PADO, 0, acName, anyService, tag(wire.TagServiceName, "gold"), ourHostUniq), nil},
		{"another service than configured", ClientConfig{Service: "gold"}, answer(wire.PADO, 0, acName, anyService, ourHostUniq), ErrUnwanted},
		{"a PADS, too early", ClientConfig{}, answer(wire.PADS, 1, anyService, ourHostUniq), ErrUnexpected},
		{"from a group address", ClientConfig{}, wire.DiscoveryFrame{Dst: hostAddr, Src: wire.Broadcast, Discovery: wire.Discovery{Code: wire.PADO}}, ErrNotOurs},
		{"to the broadcast address", ClientConfig{}, wire.DiscoveryFrame{Dst: wire.Broadcast, Src: acAddr, Discovery: wire.Discovery{Code: wire.PADO}}, ErrNotOurs},
	} {
		h, q := startedClient(c.cfg)
		q.Reset()
		f, err := h.Receive(epoch, c.in, q)
		if err != c.err {
			t.Errorf("%s: %v, want %v", c.what, err, c.err)
		}
		if requested := len(q.All()) == 1 && q.All()[0].Code == wire.PADR; requested != (c.err == nil) || (f.Offer != nil) != requested {
			t.Errorf("%s: sends PADR: %v, result %+v", c.what, requested, f)
		}
	}
}

// TestEchoedTags: AC-Cookie and Relay-Session-Id are returned octet for octet, at any length.
func TestEchoedTags(t *testing.T) {
	for _, n := range []int{0, 1, 20, 0x4e0} {
		h, q := startedClient(ClientConfig{})
		q.Reset()
		cookie, relay := bytes.Repeat([]byte{0xc0}, n), bytes.Repeat([]byte{0xe1}, n/2)
		h.Receive(epoch, answer(wire.PADO, 0, acName, anyService, ourHostUniq, wire.Tag{Type: wire.TagACCookie, Value: cookie}, wire.Tag{Type: wire.TagRelaySessionID, Value: relay}), q)
		padr := q.All()[0]
		if got, ok := padr.Tags.Find(wire.TagACCookie); !ok || !bytes.Equal(got, cookie) {
			t.Errorf("a cookie of %d octets is returned with %d", n, len(got))
		}
		if got, ok := padr.Tags.Find(wire.TagRelaySessionID); !ok || !bytes.Equal(got, relay) {
			t.Errorf("a relay's tag of %d octets is returned with %d", n/2, len(got))
		}
	}
}

func TestTimeouts(t *testing.T) {
	h, q := startedClient(ClientConfig{})
	var waits []time.Duration
	now := epoch
	for !h.Done() {
		waits = append(waits, h.Deadline().Sub(now))
		now = h.Deadline()
		if f := h.Advance(now, q); h.Done() && f.TimedOut != wire.PADO {
			t.Errorf("gave up waiting for %v, want PADO", f.TimedOut)
		}
	}
	if len(waits) != 3 || waits[0] != 5*time.Second || waits[1] != 10*time.Second || waits[2] != 20*time.Second {
		t.Errorf("waited %v, want 5, 10 and 20 s (RFC 2516 section 8)", waits)
	}
	if len(q.All()) != 3 {
		t.Errorf("sent %d PADIs, want 3", len(q.All()))
	}
}

// TestNextOffer: after a concentrator rejects or does not answer, the next offer is tried.
func TestNextOffer(t *testing.T) {
	second := wire.Addr{2, 0, 0, 0, 0, 9}
	for _, reject := range []bool{true, false} {
		h, q := startedClient(ClientConfig{})
		h.Receive(epoch, answer(wire.PADO, 0, acName, anyService, ourHostUniq), q)
		other := answer(wire.PADO, 0, acName, anyService, ourHostUniq)
		other.Src = second
		h.Receive(epoch, other, q)
		q.Reset()
		if reject {
			f, err := h.Receive(epoch, answer(wire.PADS, 0, anyService, ourHostUniq, tag(wire.TagACSystemError, "full")), q)
			if err != nil || f.Rejection == nil || f.Rejection.Tag != wire.TagACSystemError || f.Rejection.Text != "full" {
				t.Errorf("a rejection gives %+v, %v", f, err)
			}
		} else {
			for range 3 {
				h.Advance(h.Deadline(), q)
			}
		}
		last := q.All()[len(q.All())-1]
		if last.Code != wire.PADR || last.Dst != second {
			t.Errorf("rejected %v: sends %v to %v, want PADR to the second", reject, last.Code, last.Dst)
		}
		if _, err := h.Receive(epoch, answer(wire.PADS, 7, anyService, ourHostUniq), q); err != ErrNotOurs {
			t.Errorf("a late PADS of the first concentrator: %v, want ErrNotOurs", err)
		}
		pads := answer(wire.PADS, 7, anyService, ourHostUniq)
		pads.Src = second
		if f, err := h.Receive(epoch, pads, q); err != nil || f.Grant == nil || f.Grant.SessionID != 7 || f.Grant.AC != second {
			t.Errorf("the second concentrator's PADS gives %+v, %v", f, err)
		}
	}
}

func TestReservedSession(t *testing.T) {
	h, q := startedClient(ClientConfig{})
	h.Receive(epoch, answer(wire.PADO, 0, acName, anyService, ourHostUniq), q)
	if _, err := h.Receive(epoch, answer(wire.PADS, 0xffff, anyService, ourHostUniq), q); err != ErrUnexpected {
		t.Errorf("session 0xffff: %v, want ErrUnexpected", err)
	}
	if f, _ := h.Receive(epoch, answer(wire.PADS, 0, anyService, ourHostUniq), q); f.Rejection == nil {
		t.Errorf("session ID 0 without an error tag gives %+v, want a rejection", f)
	}
}

// TestFirstRejects: if the first concentrator to answer rejects, others may still answer; it is not
// tried again.
func TestFirstRejects(t *testing.T) {
	second := wire.Addr{2, 0, 0, 0, 0, 9}
	for _, answers := range []bool{true, false} {
		h, q := startedClient(ClientConfig{})
		h.Receive(epoch, answer(wire.PADO, 0, acName, anyService, ourHostUniq), q)
		h.Receive(epoch, answer(wire.PADS, 0, anyService, ourHostUniq), q)
		if h.Done() {
			t.Fatal("a rejection ends discovery")
		}
		if _, err := h.Receive(epoch, answer(wire.PADO, 0, acName, anyService, ourHostUniq), q); err != ErrUnwanted {
			t.Errorf("another offer of the same concentrator: %v, want ErrUnwanted", err)
		}
		q.Reset()
		if !answers {
			if f := h.Advance(epoch.Add(avoidDelay), q); !h.Done() || f != (Result{}) || len(q.All()) > 0 {
				t.Errorf("without another answer: %+v, and sends %v", f, q.All())
			}
			continue
		}
		late := answer(wire.PADO, 0, acName, anyService, ourHostUniq)
		late.Src = second
		h.Receive(epoch.Add(avoidDelay/2), late, q)
		if all := q.All(); len(all) != 1 || all[0].Code != wire.PADR || all[0].Dst != second {
			t.Errorf("with another answer, it sends %v", all)
		}
	}
}

// TestManyReject: discovery ends after MaxOffers rejections.
func TestManyReject(t *testing.T) {
	h, q := startedClient(ClientConfig{})
	for i := range byte(MaxOffers) {
		for _, f := range []wire.DiscoveryFrame{answer(wire.PADO, 0, acName, anyService, ourHostUniq), answer(wire.PADS, 0, anyService, ourHostUniq)} {
			f.Src = wire.Addr{2, 0, 0, 0, 1, i}
			h.Receive(epoch, f, q)
		}
		if h.Done() != (i == MaxOffers-1) {
			t.Fatalf("after %d rejections, done: %v", i+1, h.Done())
		}
	}
}

func TestMaxPayload(t *testing.T) {
	for _, c := range []struct{ want, granted, agreed int }{{1492, 1500, 1492}, {1500, 1500, 1500}, {1500, 0, 0}, {1500, 1600, 1500}} {
		h, q := startedClient(ClientConfig{MaxPayload: c.want})
		_, asks := q.All()[0].Tags.Find(wire.TagMaxPayload)
		if asks != (c.want > 1492) {
			t.Errorf("a client for %d sends PPP-Max-Payload: %v", c.want, asks)
		}
		h.Receive(epoch, answer(wire.PADO, 0, acName, anyService, ourHostUniq), q)
		pads := answer(wire.PADS, 1, anyService, ourHostUniq)
		if c.granted > 0 {
			pads.Tags = pads.Tags.Append(wire.TagMaxPayload, []byte{byte(c.granted >> 8), byte(c.granted)})
		}
		if f, err := h.Receive(epoch, pads, q); err != nil || f.Grant.MaxPayload != c.agreed {
			t.Errorf("wanted %d, granted %d: agreed on %+v, %v, want %d", c.want, c.granted, f.Grant, err, c.agreed)
		}
	}
}

// TestOffersAreBounded: a forger of concentrators does not use up memory.
func TestOffersAreBounded(t *testing.T) {
	h, q := startedClient(ClientConfig{})
	for i := range 10000 {
		o := answer(wire.PADO, 0, acName, anyService, ourHostUniq)
		o.Src = wire.Addr{2, 1, 0, 0, byte(i >> 8), byte(i)}
		h.Receive(epoch, o, q)
	}
	if len(h.offers) > MaxOffers || len(q.All()) != 2 {
		t.Errorf("remembers %d offers and has sent %d packets, want at most %d and 2", len(h.offers), len(q.All()), MaxOffers)
	}
}

func FuzzClient(f *testing.F) {
	f.Add([]byte("\x07\x00\x00\x01\x02\x00\x02ac\x01\x01\x00\x00\x01\x03\x00\x04mine"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, q := startedClient(ClientConfig{})
		for len(b) > 3 {
			n := min(int(b[0])+int(b[1]), len(b)-2)
			d := wire.Discovery{Code: wire.Code(b[0]), SessionID: uint16(b[1])}
			var err error
			if d.Tags, err = wire.ParseTags(b[2 : 2+n]); err == nil {
				h.Receive(epoch, wire.DiscoveryFrame{Dst: hostAddr, Src: acAddr, Discovery: d}, q)
			}
			b = b[2+n:]
			h.Advance(h.Deadline(), q)
		}
		for _, f := range q.All() {
			if _, err := wire.ParseDiscoveryFrame(f.AppendTo(nil)); err != nil {
				t.Errorf("sends a packet that does not parse: %v", err)
			}
		}
	})
}

// TestTimeoutsDouble: each timeout is twice the one before, up to 1024 times the first; those of a
// probe do not double (RFC 2516 section 8).
func TestTimeoutsDouble(t *testing.T) {
	for _, probe := range []bool{false, true} {
		h, q := startedClient(ClientConfig{Timeout: time.Millisecond, Attempts: 13, Probe: probe})
		for i, now := 0, epoch; !h.Done(); i++ {
			want := time.Millisecond
			if !probe {
				want = []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1024, 1024}[i] * time.Millisecond
			}
			if got := h.Deadline().Sub(now); got != want {
				t.Errorf("probe %v, number %d waits %v, want %v", probe, i, got, want)
			}
			if h.Advance(h.Deadline().Add(-1), q) != (Result{}) || len(q.All()) != i+1 {
				t.Errorf("number %d: something is done before it is due", i)
			}
			now = h.Deadline()
			h.Advance(now, q)
		}
		if n := len(q.All()); n != 13 || !h.Deadline().IsZero() {
			t.Errorf("probe %v: %d PADIs were sent, want 13; then a deadline: %v", probe, n, h.Deadline())
		}
	}
}

// TestFastRetry: in its fast-retry window, a client sends a PADI every second and up to half a
// second more, or as often as Timeout says, and these do not count as attempts.
func TestFastRetry(t *testing.T) {
	for _, c := range []struct {
		timeout time.Duration
		octet   byte
		want    time.Duration
	}{
		{5 * time.Second, 0, time.Second},
		{5 * time.Second, 128, 1250 * time.Millisecond},
		{time.Second, 128, time.Second},
		{500 * time.Millisecond, 0, 500 * time.Millisecond},
	} {
		h, q := NewClient(hostAddr, ClientConfig{HostUniq: []byte("mine"), Rand: constantReader(c.octet), Timeout: c.timeout, Attempts: 1, FastRetry: 10 * time.Second}), &wire.Queue{}
		h.Start(epoch, q)
		for now := epoch; now.Before(epoch.Add(10 * time.Second)); {
			at := h.Deadline()
			if got := at.Sub(now); got != c.want {
				t.Errorf("%+v: waits %v", c, got)
			}
			h.Advance(at, q)
			now = at
		}
		if got := h.Advance(h.Deadline(), q); got.TimedOut != wire.PADO {
			t.Errorf("%+v: after the fast retries, one attempt is not the last: %+v", c, got)
		}
	}
}

// constantReader is a source of equal octets.
type constantReader byte

func (c constantReader) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c)
	}
	return len(b), nil
}

// TestAvoided: a concentrator to avoid is sent a PADR if no other has answered for half a second;
// at most 16 rejections are reported.
func TestAvoided(t *testing.T) {
	h, q := startedClient(ClientConfig{Avoid: []wire.Addr{acAddr}})
	q.Reset()
	if f, err := h.Receive(epoch, answer(wire.PADO, 0, acName, anyService, ourHostUniq), q); err != nil || f.Offer == nil || len(q.All()) != 0 {
		t.Errorf("the offer gives %+v, %v, and was requested: %v", f, err, q.All())
	}
	if h.Advance(epoch.Add(500*time.Millisecond-1), q); len(q.All()) != 0 {
		t.Error("the PADR is sent too early")
	}
	if h.Advance(epoch.Add(500*time.Millisecond), q); len(q.All()) != 1 || q.All()[0].Code != wire.PADR {
		t.Errorf("after half a second it sends %v, want PADR", q.All())
	}
	reported := 0
	for i := range 20 {
		f := answer(wire.PADO, 0, acName, anyService, ourHostUniq, tag(wire.TagACSystemError, "full"))
		f.Src = wire.Addr{2, 0, 0, 0, 1, byte(i)}
		for range 2 {
			if got, err := h.Receive(epoch, f, q); err == nil && got.Rejection != nil {
				reported++
			}
		}
	}
	if reported != 16 {
		t.Errorf("%d rejections were reported, want 16", reported)
	}
}

// TestNoHostUniq: a client without Host-Uniq sends the tag in no packet, including the PADT, and
// accepts no answer that has one.
func TestNoHostUniq(t *testing.T) {
	h, q := NewClient(hostAddr, ClientConfig{HostUniq: []byte{}}), &wire.Queue{}
	h.Start(epoch, q)
	if _, err := h.Receive(epoch, answer(wire.PADO, 0, acName, anyService, ourHostUniq), q); err != ErrNotOurs {
		t.Errorf("an offer to another client: %v, want ErrNotOurs", err)
	}
	h.Receive(epoch, answer(wire.PADO, 0, acName, anyService, tag(wire.TagACCookie, "c")), q)
	f, err := h.Receive(epoch, answer(wire.PADS, 7, anyService), q)
	if err != nil || f.Grant == nil {
		t.Fatalf("the PADS gives %+v, %v", f, err)
	}
	if _, ok := f.Grant.PADTTags.Find(wire.TagHostUniq); ok {
		t.Error("the PADT has a Host-Uniq")
	}
	for _, sent := range q.All() {
		if _, ok := sent.Tags.Find(wire.TagHostUniq); ok {
			t.Errorf("%v has a Host-Uniq", sent.Code)
		}
	}
}
