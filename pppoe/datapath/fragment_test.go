package datapath

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// fragments returns the fragments of a packet; nil: it is not fragmented.
func fragments(packet []byte, mtu int) (all [][]byte) {
	var f fragmenter
	if !f.start(packet, mtu) {
		return nil
	}
	for f.more() {
		b := make([]byte, maxHeader4)
		header, payload := f.next(b)
		all = append(all, append(b[:header], payload...))
	}
	return all
}

// reassemble returns the payload of fragments, which are in order; nil: they are not the fragments
// of one packet.
func reassemble(t *testing.T, all [][]byte, mtu int) (payload []byte, more bool) {
	t.Helper()
	from := int(binary.BigEndian.Uint16(all[0][6:])&0x1fff) * 8
	for i, b := range all {
		header, field := int(b[0]&0xf)*4, binary.BigEndian.Uint16(b[6:])
		more = field&flagMF != 0
		switch {
		case len(b) > mtu || int(binary.BigEndian.Uint16(b[2:])) != len(b) || foldSum(sumWords(0, b[:header])) != 0xffff:
			t.Fatalf("fragment %d is invalid: % x", i, b[:header])
		case int(field&0x1fff)*8 != from+len(payload) || field&flagDF != 0:
			t.Fatalf("fragment %d begins at %d, want %d", i, field&0x1fff*8, from+len(payload))
		case i < len(all)-1 && !more:
			t.Fatalf("fragment %d of %d is the last", i, len(all))
		case !bytes.Equal(edited(b[:20], 0, 0, 0, 0, 0)[:6], edited(all[0][:20], 0, 0, 0, 0, 0)[:6]) || !bytes.Equal(b[12:20], all[0][12:20]):
			t.Fatalf("fragment %d is of another packet: % x", i, b[:header])
		}
		payload = append(payload, b[header:]...)
	}
	return payload, more
}

// packetWithOptions returns an IPv4 packet with options, whose length is a multiple of four.
func packetWithOptions(options, payload []byte) []byte {
	b := slices.Concat(packet4(17)[:20], options, payload)
	b[0] = 0x45 + byte(len(options)/4)
	return withHeaderChecksum(b)
}

// TestFragments: packets of all lengths, and with options, arrive whole after one and two
// fragmentations.
func TestFragments(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		payload := make([]byte, 1+r.IntN(5000))
		for i := range payload {
			payload[i] = byte(r.Uint32())
		}
		packet := packetWithOptions(make([]byte, 4*r.IntN(11)), payload)
		mtu, smaller := 576+r.IntN(1000), 68+r.IntN(500)
		all := fragments(packet, mtu)
		if got, more := reassemble(t, all, mtu); !bytes.Equal(got, payload) || more {
			t.Fatalf("%d octets in %d fragments: %d arrive", len(payload), len(all), len(got))
		}
		var again [][]byte
		for _, b := range all {
			again = append(again, fragments(b, smaller)...)
		}
		if got, more := reassemble(t, again, smaller); !bytes.Equal(got, payload) || more {
			t.Fatalf("%d octets in %d fragments of fragments: %d arrive", len(payload), len(again), len(got))
		}
	}
}

// TestFragmentOptions: the first fragment has all options, the others those to be copied (RFC 791
// section 3.1).
func TestFragmentOptions(t *testing.T) {
	record := []byte{7, 7, 4, 0, 0, 0, 0} // record route: not copied
	security := []byte{130, 5, 1, 2, 3}   // copied
	alert := []byte{148, 4, 0, 0}         // router alert: copied
	options := slices.Concat(record, security, []byte{1}, alert, []byte{0, 0, 0})
	all := fragments(packetWithOptions(options, make([]byte, 2000)), 1000)
	if len(all) != 3 || !bytes.Equal(all[0][20:40], options) {
		t.Fatalf("%d fragments, the first with % x", len(all), all[0][:40])
	}
	want := slices.Concat(security, alert, []byte{0, 0, 0})
	for _, b := range all[1:] {
		if b[0] != 0x48 || !bytes.Equal(b[20:32], want) {
			t.Errorf("a later fragment has % x, want options % x", b[:32], want)
		}
	}
	malformed := packetWithOptions([]byte{7, 5, 4, 0}, make([]byte, 2000))
	if fragments(malformed, 1000) != nil {
		t.Error("a packet with a malformed option is fragmented")
	}
}

// TestNoFragments: packets that must not be fragmented, or cannot be.
func TestNoFragments(t *testing.T) {
	packet := packet4(17, make([]byte, 2000)...)
	for what, c := range map[string]struct {
		packet []byte
		mtu    int
	}{
		"with DF":                 {edited(packet, 6, 0x40), 1000},
		"IPv6":                    {packet6(17, make([]byte, 2000)...), 1000},
		"no room for eight octet": {packet, 27},
		"truncated":               {packet[:1000], 500},
		"a short header":          {edited(packet, 0, 0x44), 1000},
		"without payload":         {packet4(17), 1000},
		"beyond 65,535 octets":    {edited(packet, 6, 0x1f, 0xff), 1000},
		"nothing":                 {nil, 1000},
	} {
		if all := fragments(c.packet, c.mtu); all != nil {
			t.Errorf("%s: %d fragments", what, len(all))
		}
	}
}

func TestFragmentNoAllocation(t *testing.T) {
	var f fragmenter
	packet, head := packet4(17, make([]byte, 4000)...), make([]byte, maxHeader4)
	count := 0
	if n := testing.AllocsPerRun(100, func() {
		for f.start(packet, 1492); f.more(); count++ {
			f.next(head)
		}
	}); n != 0 || count != 101*3 {
		t.Errorf("%v allocations, %d fragments", n, count)
	}
}

// FuzzFragments: the fragments of any packet are valid, and have its payload.
func FuzzFragments(f *testing.F) {
	f.Add(packet4(17, make([]byte, 300)...), 100)
	f.Add(packetWithOptions([]byte{7, 7, 4, 0, 0, 0, 0, 1}, make([]byte, 300)), 77)
	f.Add(edited(packet4(17, make([]byte, 300)...), 6, 0x3f, 0xf0), 77)
	f.Fuzz(func(t *testing.T, packet []byte, mtu int) {
		if mtu > 0xffff {
			return
		}
		if all := fragments(packet, mtu); all != nil {
			got, more := reassemble(t, all, mtu)
			header, total := int(packet[0]&0xf)*4, int(binary.BigEndian.Uint16(packet[2:]))
			if !bytes.Equal(got, packet[header:total]) || more != (packet[6]&0x20 != 0) {
				t.Errorf("%d octets arrive, want %d", len(got), total-header)
			}
		}
	})
}
