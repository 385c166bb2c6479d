package pppoe

import (
	"net/netip"
	"testing"
	"time"
)

// TestCodes: codes, tags and ethertypes are those of RFC 2516 (sections 4 and 5, appendix A),
// RFC 4638 section 4, RFC 5578 sections 3 and 4, and draft-carrel-info-pppoe-ext.
func TestCodes(t *testing.T) {
	if EtherTypeDiscovery != 0x8863 || EtherTypeSession != 0x8864 {
		t.Errorf("ethertypes 0x%x, 0x%x", EtherTypeDiscovery, EtherTypeSession)
	}
	for number, c := range map[uint8]struct {
		code Code
		name string
	}{
		0x00: {CodeSession, "Session"}, 0x07: {PADO, "PADO"}, 0x09: {PADI, "PADI"}, 0x0a: {PADG, "PADG"}, 0x0b: {PADC, "PADC"}, 0x0c: {PADQ, "PADQ"},
		0x19: {PADR, "PADR"}, 0x65: {PADS, "PADS"}, 0xa7: {PADT, "PADT"}, 0xd3: {PADM, "PADM"}, 0xd4: {PADN, "PADN"},
		0x08: {0x08, "code 0x08"}, 0xff: {0xff, "code 0xff"},
	} {
		if c.code != Code(number) || c.code.String() != c.name {
			t.Errorf("%s is 0x%02x, called %v; want 0x%02x", c.name, uint8(c.code), c.code, number)
		}
	}
	for number, c := range map[uint16]struct {
		tag    TagType
		name   string
		single bool
		fault  bool
	}{
		0x0000: {TagEndOfList, "end-of-list", false, false},
		0x0101: {TagServiceName, "service-name", false, false},
		0x0102: {TagACName, "AC-name", true, false},
		0x0103: {TagHostUniq, "host-uniq", true, false},
		0x0104: {TagACCookie, "AC-cookie", true, false},
		0x0105: {TagVendorSpecific, "vendor-specific", false, false},
		0x0106: {TagCredits, "credits", false, false},
		0x0107: {TagMetrics, "metrics", false, false},
		0x0108: {TagSequenceNumber, "sequence-number", false, false},
		0x0109: {TagCreditScale, "credit-scale", false, false},
		0x0110: {TagRelaySessionID, "relay-session-id", true, false},
		0x0111: {TagHURL, "hurl", false, false},
		0x0112: {TagMOTM, "motm", false, false},
		0x0120: {TagMaxPayload, "PPP-max-payload", true, false},
		0x0121: {TagIPRouteAdd, "ip-route-add", false, false},
		0x0200: {0x0200, "tag 0x0200", false, false},
		0x0201: {TagServiceNameError, "service-name-error", false, true},
		0x0202: {TagACSystemError, "AC-system-error", false, true},
		0x0203: {TagGenericError, "generic-error", false, true},
		0x0204: {0x0204, "tag 0x0204", false, false},
	} {
		if c.tag != TagType(number) || c.tag.String() != c.name || c.tag.single() != c.single || c.tag.IsError() != c.fault {
			t.Errorf("%s is 0x%04x, called %v, single %v, an error %v; want 0x%04x, %v, %v", c.name, uint16(c.tag), c.tag, c.tag.single(), c.tag.IsError(), number, c.single, c.fault)
		}
	}
}

// TestCookieAge: a cookie is good for its lifetime, to the second, and not before it was made.
func TestCookieAge(t *testing.T) {
	c := NewConcentrator(acAddr, ConcentratorConfig{ACName: "ac", Rand: counting{}, CookieLifetime: 10 * time.Second})
	cookie := c.jar.bake(epoch, hostAddr, Tags{})
	with := func(cookie []byte) Tags { return Tags(nil).Append(TagACCookie, cookie) }
	for after, want := range map[time.Duration]bool{-time.Second: false, 0: true, 10 * time.Second: true, 11 * time.Second: false, 1 << 40: false} {
		if got := c.jar.valid(epoch.Add(after), hostAddr, with(cookie)); got != want {
			t.Errorf("after %v: good %v, want %v", after, got, want)
		}
	}
	if len(cookie) != 24 {
		t.Errorf("a cookie has %d octets", len(cookie))
	}
	for _, other := range [][]byte{cookie[:23], append(cookie[:24:24], 0), {}} {
		if c.jar.valid(epoch, hostAddr, with(other)) {
			t.Errorf("a cookie of %d octets is good", len(other))
		}
	}
	if d := NewConcentrator(acAddr, ConcentratorConfig{ACName: "ac", Rand: counting{}}).jar.lifetime; d != time.Minute {
		t.Errorf("by default a cookie is good for %v", d)
	}
}

// counting is where keys come from that are the same each time.
type counting struct{}

func (counting) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(i)
	}
	return len(b), nil
}

func addr4(text string) netip.Addr { return netip.MustParseAddr(text) }

// TestPoolPlaces: addresses of places, and places of addresses, at both ends of the pool.
func TestPoolPlaces(t *testing.T) {
	p := Pool{Max: 3, First: addr4("192.0.2.254")}
	for id, want := range map[uint16]string{1: "192.0.2.254", 2: "192.0.2.255", 3: "192.0.3.0"} {
		a := p.Address(id)
		place, ok := p.placeOf(a)
		if a != addr4(want) || !ok || place != int(id)-1 || p.at(place) != a {
			t.Errorf("session %d has %v, want %v; its place is %d, %v", id, a, want, place, ok)
		}
	}
	for _, outside := range []string{"192.0.2.253", "192.0.3.1", "0.0.0.0", "255.255.255.255", "2001:db8::1"} {
		if place, ok := p.placeOf(addr4(outside)); ok {
			t.Errorf("%s has place %d", outside, place)
		}
	}
	if a := p.Address(0); a.IsValid() {
		t.Errorf("session 0 has %v", a)
	}
	if _, ok := (Pool{Max: 3}).placeOf(addr4("192.0.2.1")); ok {
		t.Error("a pool without addresses has places")
	}
}

// TestSlotsBounds: what is free, at both ends.
func TestSlotsBounds(t *testing.T) {
	s := newSlots(2, 0)
	for slot, want := range map[int]bool{-1: false, 0: true, 1: true, 2: false} {
		if s.isFree(slot) != want {
			t.Errorf("slot %d is free: %v", slot, !want)
		}
	}
	s.take(Addr{2}, nil)
	if s.isFree(0) || !s.isFree(1) {
		t.Error("the first is taken, and not the second")
	}
	s.take(Addr{2}, nil)
	if _, ok := s.take(Addr{2}, nil); ok {
		t.Error("a third slot of two is taken")
	}
	s.release(0)
	if !s.isFree(0) {
		t.Error("what is given back is not free")
	}
}
