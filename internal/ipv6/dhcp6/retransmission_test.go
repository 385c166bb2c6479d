package dhcp6

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"upppoe/internal/ipv6/lifetime"
)

// repetitions returns how long the client waits after each message of one type, from the first one,
// until another type follows or the limit is reached.
func (b *testClient) repetitions(kind dhcpv6.MessageType, most int) (gaps []time.Duration, next dhcpv6.MessageType) {
	b.t.Helper()
	b.expect(kind)
	last, id := b.now, b.c.exchange.id
	for len(gaps) < most {
		m := b.next()
		gaps = append(gaps, b.now.Sub(last))
		last = b.now
		if m.MessageType != kind {
			return gaps, m.MessageType
		}
		if m.TransactionID != id {
			b.t.Errorf("%v is repeated with another identifier", kind)
		}
	}
	return gaps, kind
}

// within reports whether a duration is within a tenth of another (RFC 8415 section 15: RAND).
func within(d, of, base time.Duration) bool {
	return d >= base-of/10 && d <= base+of/10
}

// wantTimes checks intervals against RFC 8415 section 15: RT = 2*RTprev + RAND*RTprev, at most MRT
// + RAND*MRT.
func wantTimes(t *testing.T, kind dhcpv6.MessageType, gaps []time.Duration, initial, most time.Duration) {
	t.Helper()
	prev := time.Duration(0)
	for i, gap := range gaps {
		switch {
		case i == 0 && kind == dhcpv6.MessageTypeSolicit: // section 18.2.1: RAND is above 0
			if gap <= initial || gap > initial+initial/10 {
				t.Errorf("%v: first time %v, want from %v to a tenth more", kind, gap, initial)
			}
		case i == 0:
			if !within(gap, initial, initial) {
				t.Errorf("%v: first time %v, want about %v", kind, gap, initial)
			}
		case most > 0 && within(gap, most, most) && 2*prev+prev/10 > most:
		case !within(gap, prev, 2*prev) || most > 0 && gap > most+most/10:
			t.Errorf("%v: time %d is %v after %v, want twice that, or about %v", kind, i+1, gap, prev, most)
		}
		prev = gap
	}
	if last := gaps[len(gaps)-1]; most > 0 && len(gaps) > 12 && !within(last, most, most) {
		t.Errorf("%v: in the end the time is %v, want about %v", kind, last, most)
	}
}

// TestTransmission is RFC 8415 sections 7.6 and 15, for each message type.
func TestTransmission(t *testing.T) {
	day := 24 * time.Hour
	for seed := range uint64(30) {
		fresh := func() *testClient {
			b := newTestClient(t)
			b.c = NewClient(&ClientConfig{DUID: clientDUID, IAID: 7, Rand: rand.New(rand.NewPCG(seed, 1))})
			return b
		}
		// SOL_TIMEOUT 1 s, SOL_MAX_RT 3600 s.
		b := fresh()
		b.c.Request(b.now, both)
		gaps, _ := b.repetitions(dhcpv6.MessageTypeSolicit, 20)
		wantTimes(t, dhcpv6.MessageTypeSolicit, gaps, time.Second, 3600*time.Second)

		// REQ_TIMEOUT 1 s, REQ_MAX_RT 30 s, REQ_MAX_RC 10.
		b = fresh()
		b.c.Request(b.now, both)
		b.receive(answer(dhcpv6.MessageTypeAdvertise, b.expect(dhcpv6.MessageTypeSolicit), ia(second, second, 0, 0), rawOption(dhcpv6.OptionPreference, []byte{255})), nil)
		gaps, then := b.repetitions(dhcpv6.MessageTypeRequest, 20)
		if len(gaps) != 10 || then != dhcpv6.MessageTypeSolicit {
			t.Errorf("%d requests, then %v", len(gaps), then)
		}
		wantTimes(t, dhcpv6.MessageTypeRequest, gaps, time.Second, 30*time.Second)
		if last := gaps[len(gaps)-1]; !within(last, 30*second, 30*second) {
			t.Errorf("the last request waits %v, want about 30s", last)
		}

		// REN_TIMEOUT 10 s, REN_MAX_RT 600 s, until T2; REB_TIMEOUT 10 s, REB_MAX_RT 600 s,
		// until the end of the lease.
		b = fresh()
		b.c.Request(b.now, both)
		b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeSolicit), rawOption(dhcpv6.OptionRapidCommit, nil), pd(day, 2*day, day/2, day)), nil)
		gaps, then = b.repetitions(dhcpv6.MessageTypeRenew, 1000)
		if then != dhcpv6.MessageTypeRebind || b.now.Sub(start) != day {
			t.Errorf("after %v %v, want Rebind at T2, after %v", b.now.Sub(start), then, day)
		}
		wantTimes(t, dhcpv6.MessageTypeRenew, gaps[:len(gaps)-1], 10*time.Second, 600*time.Second)
		b.c.exchange.next = b.now // send again the one that next has returned
		gaps, then = b.repetitions(dhcpv6.MessageTypeRebind, 1000)
		if then != dhcpv6.MessageTypeSolicit || b.now.Sub(start) != 2*day {
			t.Errorf("after %v %v, want Solicit at the end of the lease, after %v", b.now.Sub(start), then, 2*day)
		}
		// The Rebind at T2 ended the Renews, so these intervals begin after it.
		if first, last := gaps[0], gaps[len(gaps)-2]; first < 17*time.Second || first > 24*time.Second || !within(last, 600*time.Second, 600*time.Second) {
			t.Errorf("Rebind is sent again after %v at first and %v in the end, want 20s and 600s", first, last)
		}

		// INF_TIMEOUT 1 s, INF_MAX_RT 3600 s.
		b = fresh()
		b.c.Request(b.now, IARequest{})
		gaps, _ = b.repetitions(dhcpv6.MessageTypeInformationRequest, 20)
		wantTimes(t, dhcpv6.MessageTypeInformationRequest, gaps, time.Second, 3600*time.Second)

		// REL_TIMEOUT 1 s, REL_MAX_RC 4.
		b = fresh()
		b.bind()
		b.c.Release(b.now)
		gaps, _ = b.repetitions(dhcpv6.MessageTypeRelease, 3)
		wantTimes(t, dhcpv6.MessageTypeRelease, gaps, time.Second, 0)
		b.now = b.c.Next()
		if b.sent() != nil || !b.c.Done() {
			t.Error("releases more than four times")
		}
	}
}

// TestRebindTimes: REB_TIMEOUT and REB_MAX_RT, from the first Rebind on.
func TestRebindTimes(t *testing.T) {
	b := newTestClient(t)
	b.c.Request(b.now, IARequest{Prefix: true})
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeSolicit), rawOption(dhcpv6.OptionRapidCommit, nil), pd(100*second, 100_000*second, 50*second, 50*second)), nil)
	b.expect(dhcpv6.MessageTypeRebind)
	if at := b.now.Sub(start); at != 50*second {
		t.Errorf("rebinds after %v, want at once where T1 is T2, after 50s", at)
	}
	last := b.now
	var gaps []time.Duration
	for range 20 {
		b.expect(dhcpv6.MessageTypeRebind)
		gaps, last = append(gaps, b.now.Sub(last)), b.now
	}
	wantTimes(t, dhcpv6.MessageTypeRebind, gaps, 10*time.Second, 600*time.Second)
}

// TestMaxRT is RFC 8415 sections 21.24 and 21.25, both sides of each bound: from 60 to 86400 s.
func TestMaxRT(t *testing.T) {
	for value, want := range map[[4]byte]time.Duration{
		{0, 0, 0, 59}: time.Hour, {0, 0, 0, 60}: time.Minute, {0, 0, 0, 61}: 61 * second,
		{0, 1, 0x51, 0x7f}: 86399 * second, {0, 1, 0x51, 0x80}: 24 * time.Hour, {0, 1, 0x51, 0x81}: time.Hour,
	} {
		b := newTestClient(t)
		b.c.Request(b.now, both)
		m := b.expect(dhcpv6.MessageTypeSolicit)
		b.receive(answer(dhcpv6.MessageTypeAdvertise, m, rawOption(82, value[:])), ErrEmpty)
		if b.c.exchange.mrt != want {
			t.Errorf("SOL_MAX_RT % x: %v, want %v", value, b.c.exchange.mrt, want)
		}
		b = newTestClient(t)
		b.c.Request(b.now, IARequest{})
		b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeInformationRequest), rawOption(83, value[:])), nil)
		b.expect(dhcpv6.MessageTypeInformationRequest)
		if b.c.exchange.mrt != want {
			t.Errorf("INF_MAX_RT % x: %v, want %v", value, b.c.exchange.mrt, want)
		}
	}
	b := newTestClient(t)
	b.c.Request(b.now, both)
	b.receive(answer(dhcpv6.MessageTypeAdvertise, b.expect(dhcpv6.MessageTypeSolicit), rawOption(82, []byte{0, 0, 90})), ErrEmpty)
	if b.c.exchange.mrt != time.Hour {
		t.Errorf("a value of three octets is used: %v", b.c.exchange.mrt)
	}
}

// TestInformationRefreshTime is RFC 8415 section 21.23, both sides of IRT_MINIMUM, 600 s; the
// default is a day.
func TestInformationRefreshTime(t *testing.T) {
	for value, want := range map[[4]byte]time.Duration{
		{0, 0, 2, 0x57}: 600 * second, {0, 0, 2, 0x58}: 600 * second, {0, 0, 2, 0x59}: 601 * second, {}: 24 * time.Hour,
	} {
		b := newTestClient(t)
		b.c.Request(b.now, IARequest{})
		var o []dhcpv6.Option
		if value != ([4]byte{}) {
			o = append(o, rawOption(32, value[:]))
		}
		b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeInformationRequest), o...), nil)
		if got := b.c.Next().Sub(b.now); got != want {
			t.Errorf("% x: asks again after %v, want %v", value, got, want)
		}
	}
	b := newTestClient(t)
	b.c.Request(b.now, IARequest{})
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeInformationRequest), rawOption(32, []byte{0xff, 0xff, 0xff, 0xff})), nil)
	if next := b.c.Next(); !next.IsZero() {
		t.Errorf("asks again after %v, though the server says never", next.Sub(b.now))
	}
}

// TestT1T2 is RFC 8415 section 14.2: T1 and T2 of the server, or half and four fifths of the
// shortest preferred lifetime.
func TestT1T2(t *testing.T) {
	for _, c := range []struct {
		preferred, valid, t1, t2 time.Duration
		want1, want2             time.Duration
	}{
		{100, 200, 0, 0, 50, 80},
		{100, 200, 30, 40, 30, 40},
		{100, 200, 30, 0, 30, 80},
		{100, 200, 90, 0, 90, 90},      // T2 not before T1
		{100, 200, 0, 60, 50, 60},      // T1 is left to the client
		{100, 200, 0, 40, 50, 80},      // T2 before the client's T1 is replaced
		{100, 200, 200, 200, 200, 200}, // at the latest possible time
		{100, 200, 201, 202, 50, 80},   // too late
		{100, 200, 30, 200, 30, 200},
		{100, 200, 30, 201, 30, 80},
		{0, 200, 0, 0, 100, 160}, // deprecated: computed from the valid lifetime
		{1 << 31, 1 << 31, 0, 0, 1 << 30, 1717986918},
	} {
		b := newTestClient(t)
		b.c.Request(b.now, IARequest{Prefix: true})
		b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeSolicit), rawOption(dhcpv6.OptionRapidCommit, nil),
			pd(c.preferred*second, c.valid*second, c.t1*second, c.t2*second)), nil)
		got1, got2 := b.c.t1().Sub(b.now).Truncate(second), b.c.t2().Sub(b.now).Truncate(second)
		if got1 != c.want1*second || got2 != c.want2*second {
			t.Errorf("%+v: T1 %v, T2 %v", c, got1, got2)
		}
	}
}

// TestBackoffDelay: after requests without lease the client waits 1, 2, 4 s and so on, at most
// SOL_MAX_RT.
func TestBackoffDelay(t *testing.T) {
	c := NewClient(&ClientConfig{DUID: clientDUID, Rand: newRand()})
	for refused, want := range []time.Duration{0, second, 2 * second, 4 * second, 8 * second, 16 * second, 32 * second, 64 * second,
		128 * second, 256 * second, 512 * second, 1024 * second, 2048 * second, time.Hour, time.Hour} {
		c.rejected = refused
		if got := c.backoff(); got != want {
			t.Errorf("after %d: %v, want %v", refused, got, want)
		}
	}
	c.solMaxRT = time.Minute
	if got := c.backoff(); got != time.Minute {
		t.Errorf("with a SOL_MAX_RT of 1m: %v", got)
	}
}

// TestElapsedBounds: in hundredths of a second, at most 0xffff.
func TestElapsedBounds(t *testing.T) {
	for waited, want := range map[time.Duration]time.Duration{
		0: 0, 10 * time.Millisecond: 10 * time.Millisecond, 655340 * time.Millisecond: 655340 * time.Millisecond,
		655350 * time.Millisecond: 655350 * time.Millisecond, 655360 * time.Millisecond: 655350 * time.Millisecond,
	} {
		x := exchange{sent: 1, start: start}
		if got := x.elapsed(start.Add(waited)); got != want {
			t.Errorf("after %v: %v", waited, got)
		}
	}
}

// TestSendFailed: a message that could not be sent is tried again after 100 ms, at most thirty
// times, with the same transaction ID, and then counts as lost.
func TestSendFailed(t *testing.T) {
	b := newTestClient(t)
	b.c.Request(b.now, both)
	first := b.expect(dhcpv6.MessageTypeSolicit)
	for i := range 30 {
		b.c.SendFailed(b.now)
		m := b.expect(dhcpv6.MessageTypeSolicit)
		if at := b.now.Sub(start); at != time.Duration(i+1)*100*time.Millisecond || m.TransactionID != first.TransactionID || m.Options.ElapsedTime() != 0 {
			t.Fatalf("time %d: after %v %v", i, at, m.Summary())
		}
	}
	b.c.SendFailed(b.now)
	if wait := b.c.Next().Sub(b.now); wait <= second || wait > 1100*time.Millisecond {
		t.Errorf("then after %v, want SOL_TIMEOUT", wait)
	}
	b.expect(dhcpv6.MessageTypeSolicit)
	b.c.SendFailed(b.now) // the second transmission is not repeated soon
	if wait := b.c.Next().Sub(b.now); wait < second {
		t.Errorf("the second after %v", wait)
	}
}

// TestBounds: eight leases per association, prefixes up to /64, the longest lifetimes.
func TestBounds(t *testing.T) {
	for bits, want := range map[int]bool{3: true, 63: true, 64: true, 65: false} {
		b := newTestClient(t)
		b.c.Request(b.now, IARequest{Prefix: true})
		o := &dhcpv6.OptIAPD{IaId: [4]byte{3: 7}}
		p := netip.PrefixFrom(netip.MustParseAddr("2001:db8::"), bits).Masked()
		o.Options.Add(&dhcpv6.OptIAPrefix{Prefix: ipNet(p), PreferredLifetime: second, ValidLifetime: lifetime.Infinity})
		b.c.Receive(b.now, answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeSolicit), rawOption(dhcpv6.OptionRapidCommit, nil), o).ToBytes())
		if got := len(b.c.Configuration().Prefixes) == 1; got != want {
			t.Errorf("a prefix of length %d: leased is %v", bits, b.c.Configuration().Prefixes)
		}
	}
	b := newTestClient(t)
	b.c.Request(b.now, IARequest{Prefix: true})
	o := &dhcpv6.OptIAPD{IaId: [4]byte{3: 7}}
	for i := range 9 {
		p := netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(i)}), 56)
		o.Options.Add(&dhcpv6.OptIAPrefix{Prefix: ipNet(p), PreferredLifetime: second, ValidLifetime: second})
	}
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeSolicit), rawOption(dhcpv6.OptionRapidCommit, nil), o), nil)
	if got := len(b.c.Configuration().Prefixes); got != 8 {
		t.Errorf("%d prefixes are kept, want 8", got)
	}
}
