package discovery

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

func concentrator(services ...string) *Concentrator {
	return NewConcentrator(acAddr, ConcentratorConfig{ACName: "ac", Services: services, MaxPayload: 1500, Rand: rand.Reader})
}

func request(code wire.Code, tags ...wire.Tag) wire.DiscoveryFrame {
	f := answer(code, 0, tags...)
	f.Src, f.Dst = hostAddr, acAddr
	if code == wire.PADI {
		f.Dst = wire.Broadcast
	}
	return f
}

func TestPADI(t *testing.T) {
	for _, c := range []struct {
		what string
		ac   *Concentrator
		in   wire.DiscoveryFrame
		err  error
	}{
		{"any service", concentrator(), request(wire.PADI, anyService, ourHostUniq), nil},
		{"one of ours", concentrator("gold", "tin"), request(wire.PADI, tag(wire.TagServiceName, "tin")), nil},
		{"not one of ours", concentrator("gold"), request(wire.PADI, tag(wire.TagServiceName, "tin")), ErrUnwanted},
		{"no Service-Name", concentrator(), request(wire.PADI, ourHostUniq), ErrIncomplete},
		{"two of them", concentrator(), request(wire.PADI, anyService, anyService), ErrIncomplete},
		{"a session ID", concentrator(), wire.DiscoveryFrame{Dst: wire.Broadcast, Src: hostAddr, Discovery: wire.Discovery{Code: wire.PADI, SessionID: 1, Tags: wire.Tags(nil).Append(wire.TagServiceName, nil)}}, ErrUnexpected},
		{"from a group", concentrator(), wire.DiscoveryFrame{Dst: wire.Broadcast, Src: wire.Broadcast, Discovery: wire.Discovery{Code: wire.PADI}}, ErrNotOurs},
		{"from ourselves", concentrator(), wire.DiscoveryFrame{Dst: wire.Broadcast, Src: acAddr, Discovery: wire.Discovery{Code: wire.PADI}}, ErrNotOurs},
		{"an answer that fits no frame", concentrator(), request(wire.PADI, anyService, wire.Tag{Type: wire.TagHostUniq, Value: make([]byte, 1460)}), ErrTooLong},
	} {
		q := &wire.Queue{}
		if err := c.ac.ReceivePADI(epoch, c.in, q); err != c.err || len(q.All()) != map[bool]int{true: 1}[c.err == nil] {
			t.Errorf("%s: %v and %d answers, want %v", c.what, err, len(q.All()), c.err)
		}
	}
}

// TestPADO: a PADO has the tags that RFC 2516 section 5.2 requires, and returns tags of any length.
func TestPADO(t *testing.T) {
	for _, n := range []int{0, 1, 300} {
		uniq, relay := bytes.Repeat([]byte{7}, n), bytes.Repeat([]byte{8}, n)
		q := &wire.Queue{}
		in := request(wire.PADI, tag(wire.TagServiceName, "tin"), wire.Tag{Type: wire.TagHostUniq, Value: uniq}, wire.Tag{Type: wire.TagRelaySessionID, Value: relay}, wire.Tag{Type: wire.TagMaxPayload, Value: []byte{5, 0xdc}})
		if err := concentrator("gold", "tin").ReceivePADI(epoch, in, q); err != nil {
			t.Fatal(err)
		}
		var names []string
		var types []wire.TagType
		for tag := range q.All()[0].Tags.All() {
			types = append(types, tag.Type)
			if tag.Type == wire.TagServiceName {
				names = append(names, string(tag.Value))
			}
		}
		if len(types) != 7 || types[0] != wire.TagACName || names[0] != "tin" || names[1] != "gold" {
			t.Errorf("PADO holds %v with services %v, want AC-Name first and the requested service before others", types, names)
		}
		for typ, want := range map[wire.TagType][]byte{wire.TagHostUniq: uniq, wire.TagRelaySessionID: relay, wire.TagMaxPayload: {5, 0xdc}} {
			if got, ok := q.All()[0].Tags.Find(typ); !ok || !bytes.Equal(got, want) {
				t.Errorf("%v of %d octets is returned as % x", typ, len(want), got)
			}
		}
	}
}

// padrFor exchanges PADI and PADO, and returns the PADR that follows.
func padrFor(t *testing.T, ac *Concentrator, service string) wire.DiscoveryFrame {
	t.Helper()
	q := &wire.Queue{}
	if err := ac.ReceivePADI(epoch, request(wire.PADI, anyService, ourHostUniq), q); err != nil {
		t.Fatal(err)
	}
	padr := request(wire.PADR, tag(wire.TagServiceName, service), ourHostUniq)
	padr.Tags = padr.Tags.Echo(q.All()[0].Tags, wire.TagACCookie)
	return padr
}

func TestPADR(t *testing.T) {
	ac, q := concentrator("gold"), &wire.Queue{}
	padr := padrFor(t, ac, "gold")
	r, err := ac.ReceivePADR(epoch, padr, q)
	if err != nil || r.Client != hostAddr || r.Service != "gold" || len(q.All()) != 0 {
		t.Fatalf("a good PADR gives %+v, %v and %d answers", r, err, len(q.All()))
	}
	again, _ := ac.ReceivePADR(epoch.Add(time.Second), padr, q)
	if again.Key() != r.Key() {
		t.Error("a repeated PADR has another key")
	}
	ac.Confirm(r, 3, q)
	ac.Reject(r, wire.TagACSystemError, "full", q)
	confirmed, rejected := q.All()[0], q.All()[1]
	if confirmed.Code != wire.PADS || confirmed.SessionID != 3 || confirmed.Dst != hostAddr {
		t.Errorf("confirmed by %+v", confirmed)
	}
	if e, ok := rejected.Tags.FindError(); rejected.SessionID != 0 || !ok || e.Tag != wire.TagACSystemError {
		t.Errorf("rejected by %+v, want PADS with session 0 and AC-System-Error", rejected)
	}
	for _, f := range []wire.DiscoveryFrame{confirmed, rejected} {
		if v, _ := f.Tags.Find(wire.TagHostUniq); string(v) != "mine" {
			t.Errorf("%v does not have the client's Host-Uniq", f)
		}
	}
}

func TestPADRForUnknownService(t *testing.T) {
	ac, q := concentrator("gold"), &wire.Queue{}
	if _, err := ac.ReceivePADR(epoch, padrFor(t, ac, "tin"), q); err != ErrUnwanted {
		t.Errorf("%v, want ErrUnwanted", err)
	}
	if e, _ := q.All()[0].Tags.FindError(); e.Tag != wire.TagServiceNameError || q.All()[0].SessionID != 0 {
		t.Errorf("answered by %+v, want Service-Name-Error and session 0", q.All()[0])
	}
}

// TestCookie: a cookie is valid for its client, its Host-Uniq and its relay, during its lifetime;
// none that differs in a bit is.
func TestCookie(t *testing.T) {
	ac, q := concentrator(), &wire.Queue{}
	good := padrFor(t, ac, "")
	rejected := func(what string, at time.Time, f wire.DiscoveryFrame) {
		t.Helper()
		if _, err := ac.ReceivePADR(at, f, q); err != ErrCookie || len(q.All()) != 0 {
			t.Errorf("%s: %v and %d answers, want ErrCookie and none", what, err, len(q.All()))
		}
	}
	if _, err := ac.ReceivePADR(epoch.Add(time.Minute), good, q); err != nil {
		t.Errorf("after a minute: %v", err)
	}
	rejected("after more than a minute", epoch.Add(61*time.Second), good)
	rejected("from the future", epoch.Add(-time.Second), good)
	other := good
	other.Src = wire.Addr{2, 0, 0, 0, 0, 9}
	rejected("from another client", epoch, other)
	rejected("without one", epoch, request(wire.PADR, anyService, ourHostUniq))
	cookie, _ := good.Tags.Find(wire.TagACCookie)
	for bit := range 8 * len(cookie) {
		forged := bytes.Clone(cookie)
		forged[bit/8] ^= 1 << (bit % 8)
		rejected("with a bit changed", epoch, request(wire.PADR, anyService, ourHostUniq, wire.Tag{Type: wire.TagACCookie, Value: forged}))
	}
	rejected("with another Host-Uniq", epoch, request(wire.PADR, anyService, tag(wire.TagHostUniq, "yours"), wire.Tag{Type: wire.TagACCookie, Value: cookie}))
	rejected("without Host-Uniq", epoch, request(wire.PADR, anyService, wire.Tag{Type: wire.TagACCookie, Value: cookie}))
	rejected("through a relay", epoch, request(wire.PADR, anyService, ourHostUniq, tag(wire.TagRelaySessionID, "r"), wire.Tag{Type: wire.TagACCookie, Value: cookie}))
	if _, err := concentrator().ReceivePADR(epoch, good, q); err != ErrCookie {
		t.Errorf("at another concentrator: %v, want ErrCookie", err)
	}
}

// TestVLANs: a cookie is valid in its VLAN only, requests of different VLANs have different keys,
// and answers have the tags of the request and the payload of its VLAN.
func TestVLANs(t *testing.T) {
	tagged := []vlan.Stack{{}, {{TPID: vlan.CTag, VID: 5}}, {{TPID: vlan.STag, VID: 5}}, {{TPID: vlan.STag, VID: 5}, {TPID: vlan.CTag, VID: 5}}}
	ac := NewConcentrator(acAddr, ConcentratorConfig{ACName: "ac", Rand: rand.Reader, MaxPayloadIn: func(s vlan.Stack) int { return 1500 - s.Depth() }})
	payload := wire.Tag{Type: wire.TagMaxPayload, Value: []byte{5, 0xdc}}
	keys := make(map[RequestKey]bool)
	for _, at := range tagged {
		q := &wire.Queue{}
		padi := request(wire.PADI, anyService, ourHostUniq, payload)
		padi.VLAN = at
		if err := ac.ReceivePADI(epoch, padi, q); err != nil {
			t.Fatal(err)
		}
		padr := request(wire.PADR, anyService, ourHostUniq, payload)
		padr.Tags = padr.Tags.Echo(q.All()[0].Tags, wire.TagACCookie)
		for _, from := range tagged {
			padr.VLAN = from
			r, err := ac.ReceivePADR(epoch, padr, q)
			if (err == nil) != (from == at) || err != nil && err != ErrCookie {
				t.Errorf("a cookie of %v in %v: %v", at, from, err)
			}
			if err == nil {
				keys[r.Key()] = true
				if r.VLAN != at || r.MaxPayload != 1500-at.Depth() {
					t.Errorf("in %v the request is %+v", at, r)
				}
				ac.Confirm(r, 7, q)
				ac.Reject(r, wire.TagACSystemError, "full", q)
			}
		}
		for _, f := range q.All() {
			if f.VLAN != at || f.SessionID == 0 && f.Code == wire.PADS {
				continue
			}
			if got := f.Tags.MaxPayload(); got != 1500-at.Depth() {
				t.Errorf("%v in %v: payload %d", f.Code, at, got)
			}
		}
		if n := len(q.All()); n != 3 || q.All()[0].VLAN != at || q.All()[1].VLAN != at || q.All()[2].VLAN != at {
			t.Errorf("in %v there are %d answers, or in another VLAN", at, n)
		}
	}
	if len(keys) != len(tagged) {
		t.Errorf("%d VLANs give %d keys", len(tagged), len(keys))
	}
}

func FuzzConcentrator(f *testing.F) {
	f.Add(request(wire.PADI, anyService, ourHostUniq).AppendTo(nil))
	f.Add(request(wire.PADR, anyService, ourHostUniq).AppendTo(nil))
	ac := concentrator("gold", "tin")
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := wire.ParseDiscoveryFrame(b)
		if err != nil {
			return
		}
		q := &wire.Queue{}
		ac.ReceivePADI(epoch, frame, q)
		if _, err := ac.ReceivePADR(epoch, frame, q); err == nil {
			t.Error("a cookie was guessed")
		}
		for _, answer := range q.All() {
			if _, err := wire.ParseDiscoveryFrame(answer.AppendTo(nil)); err != nil || len(answer.Tags)+wire.HeaderLen > maxDiscovery+100 {
				t.Errorf("answers with %d octets: %v", len(answer.Tags), err)
			}
		}
	})
}

func BenchmarkPADI(b *testing.B) {
	ac, q, padi := concentrator(), &wire.Queue{}, request(wire.PADI, anyService, ourHostUniq)
	b.ReportAllocs()
	for b.Loop() {
		q.Reset()
		ac.ReceivePADI(epoch, padi, q)
	}
}
