package pppoe

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"
)

func concentrator(services ...string) *Concentrator {
	return NewConcentrator(acAddr, ConcentratorConfig{ACName: "ac", Services: services, MaxPayload: 1500, Rand: rand.Reader})
}

func request(code Code, tags ...Tag) DiscoveryFrame {
	f := answer(code, 0, tags...)
	f.Src, f.Dst = hostAddr, acAddr
	if code == PADI {
		f.Dst = Broadcast
	}
	return f
}

func TestPADI(t *testing.T) {
	for _, c := range []struct {
		what string
		ac   *Concentrator
		in   DiscoveryFrame
		err  error
	}{
		{"any service", concentrator(), request(PADI, any0, mine), nil},
		{"one of ours", concentrator("gold", "tin"), request(PADI, tag(TagServiceName, "tin")), nil},
		{"not one of ours", concentrator("gold"), request(PADI, tag(TagServiceName, "tin")), ErrUnwanted},
		{"no Service-Name", concentrator(), request(PADI, mine), ErrIncomplete},
		{"two of them", concentrator(), request(PADI, any0, any0), ErrIncomplete},
		{"a session ID", concentrator(), DiscoveryFrame{Broadcast, hostAddr, Discovery{PADI, 1, Tags(nil).Append(TagServiceName, nil)}}, ErrUnexpected},
		{"from a group", concentrator(), DiscoveryFrame{Broadcast, Broadcast, Discovery{Code: PADI}}, ErrNotOurs},
		{"from ourselves", concentrator(), DiscoveryFrame{Broadcast, acAddr, Discovery{Code: PADI}}, ErrNotOurs},
		{"an answer that fits no frame", concentrator(), request(PADI, any0, Tag{TagHostUniq, make([]byte, 1460)}), ErrRoom},
	} {
		q := &Queue{}
		if err := c.ac.ReceivePADI(epoch, c.in, q); err != c.err || len(q.All()) != map[bool]int{true: 1}[c.err == nil] {
			t.Errorf("%s: %v and %d answers, want %v", c.what, err, len(q.All()), c.err)
		}
	}
}

// TestPADO: what RFC 2516 section 5.2 wants to be in it, and tags returned at any
// length.
func TestPADO(t *testing.T) {
	for _, n := range []int{0, 1, 300} {
		uniq, relay := bytes.Repeat([]byte{7}, n), bytes.Repeat([]byte{8}, n)
		q := &Queue{}
		in := request(PADI, tag(TagServiceName, "tin"), Tag{TagHostUniq, uniq}, Tag{TagRelaySessionID, relay}, Tag{TagMaxPayload, []byte{5, 0xdc}})
		if err := concentrator("gold", "tin").ReceivePADI(epoch, in, q); err != nil {
			t.Fatal(err)
		}
		var names []string
		var types []TagType
		for tag := range q.All()[0].Tags.All() {
			types = append(types, tag.Type)
			if tag.Type == TagServiceName {
				names = append(names, string(tag.Value))
			}
		}
		if len(types) != 7 || types[0] != TagACName || names[0] != "tin" || names[1] != "gold" {
			t.Errorf("PADO holds %v with services %v, want AC-Name first and the service asked for before others", types, names)
		}
		for typ, want := range map[TagType][]byte{TagHostUniq: uniq, TagRelaySessionID: relay, TagMaxPayload: {5, 0xdc}} {
			if got, ok := q.All()[0].Tags.Find(typ); !ok || !bytes.Equal(got, want) {
				t.Errorf("%v of %d octets comes back as % x", typ, len(want), got)
			}
		}
	}
}

// offered runs PADI and PADO, and returns the PADR that follows.
func offered(t *testing.T, ac *Concentrator, service string) DiscoveryFrame {
	t.Helper()
	q := &Queue{}
	if err := ac.ReceivePADI(epoch, request(PADI, any0, mine), q); err != nil {
		t.Fatal(err)
	}
	padr := request(PADR, tag(TagServiceName, service), mine)
	padr.Tags = padr.Tags.echo(q.All()[0].Tags, TagACCookie)
	return padr
}

func TestPADR(t *testing.T) {
	ac, q := concentrator("gold"), &Queue{}
	padr := offered(t, ac, "gold")
	r, err := ac.ReceivePADR(epoch, padr, q)
	if err != nil || r.Client != hostAddr || r.Service != "gold" || len(q.All()) != 0 {
		t.Fatalf("a good PADR gives %+v, %v and %d answers", r, err, len(q.All()))
	}
	again, _ := ac.ReceivePADR(epoch.Add(time.Second), padr, q)
	if again.Key() != r.Key() {
		t.Error("the same PADR has another key when it comes again")
	}
	ac.Confirm(r, 3, q)
	ac.Refuse(r, TagACSystemError, "full", q)
	confirmed, refused := q.All()[0], q.All()[1]
	if confirmed.Code != PADS || confirmed.SessionID != 3 || confirmed.Dst != hostAddr {
		t.Errorf("confirmed by %+v", confirmed)
	}
	if e, ok := refused.Tags.FindError(); refused.SessionID != 0 || !ok || e.Tag != TagACSystemError {
		t.Errorf("refused by %+v, want PADS with session 0 and AC-System-Error", refused)
	}
	for _, f := range []DiscoveryFrame{confirmed, refused} {
		if v, _ := f.Tags.Find(TagHostUniq); string(v) != "mine" {
			t.Errorf("%v does not bear the client's Host-Uniq", f)
		}
	}
}

func TestPADRForUnknownService(t *testing.T) {
	ac, q := concentrator("gold"), &Queue{}
	if _, err := ac.ReceivePADR(epoch, offered(t, ac, "tin"), q); err != ErrUnwanted {
		t.Errorf("%v, want ErrUnwanted", err)
	}
	if e, _ := q.All()[0].Tags.FindError(); e.Tag != TagServiceNameError || q.All()[0].SessionID != 0 {
		t.Errorf("answered by %+v, want Service-Name-Error and session 0", q.All()[0])
	}
}

// TestCookie: one is good for its client, its Host-Uniq and its relay, for a while;
// none that differs in a bit is.
func TestCookie(t *testing.T) {
	ac, q := concentrator(), &Queue{}
	good := offered(t, ac, "")
	refused := func(what string, at time.Time, f DiscoveryFrame) {
		t.Helper()
		if _, err := ac.ReceivePADR(at, f, q); err != ErrCookie || len(q.All()) != 0 {
			t.Errorf("%s: %v and %d answers, want ErrCookie and none", what, err, len(q.All()))
		}
	}
	if _, err := ac.ReceivePADR(epoch.Add(time.Minute), good, q); err != nil {
		t.Errorf("after a minute: %v", err)
	}
	refused("after more than a minute", epoch.Add(61*time.Second), good)
	refused("from the future", epoch.Add(-time.Second), good)
	other := good
	other.Src = Addr{2, 0, 0, 0, 0, 9}
	refused("from another client", epoch, other)
	refused("without one", epoch, request(PADR, any0, mine))
	cookie, _ := good.Tags.Find(TagACCookie)
	for bit := range 8 * len(cookie) {
		forged := bytes.Clone(cookie)
		forged[bit/8] ^= 1 << (bit % 8)
		refused("with a bit changed", epoch, request(PADR, any0, mine, Tag{TagACCookie, forged}))
	}
	refused("with another Host-Uniq", epoch, request(PADR, any0, tag(TagHostUniq, "yours"), Tag{TagACCookie, cookie}))
	refused("without Host-Uniq", epoch, request(PADR, any0, Tag{TagACCookie, cookie}))
	refused("through a relay", epoch, request(PADR, any0, mine, tag(TagRelaySessionID, "r"), Tag{TagACCookie, cookie}))
	if _, err := concentrator().ReceivePADR(epoch, good, q); err != ErrCookie {
		t.Errorf("at another concentrator: %v, want ErrCookie", err)
	}
}

func FuzzConcentrator(f *testing.F) {
	f.Add(request(PADI, any0, mine).AppendTo(nil))
	f.Add(request(PADR, any0, mine).AppendTo(nil))
	ac := concentrator("gold", "tin")
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := ParseDiscoveryFrame(b)
		if err != nil {
			return
		}
		q := &Queue{}
		ac.ReceivePADI(epoch, frame, q)
		if _, err := ac.ReceivePADR(epoch, frame, q); err == nil {
			t.Error("a cookie was guessed")
		}
		for _, answer := range q.All() {
			if _, err := ParseDiscoveryFrame(answer.AppendTo(nil)); err != nil || len(answer.Tags)+HeaderLen > maxDiscovery+100 {
				t.Errorf("answers by %d octets: %v", len(answer.Tags), err)
			}
		}
	})
}

func BenchmarkPADI(b *testing.B) {
	ac, q, padi := concentrator(), &Queue{}, request(PADI, any0, mine)
	b.ReportAllocs()
	for b.Loop() {
		q.Reset()
		ac.ReceivePADI(epoch, padi, q)
	}
}
