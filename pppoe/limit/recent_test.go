package limit

import (
	"encoding/binary"
	"testing"
	"time"
)

// hashes returns hashes that are the same in each run.
func hashes(n int) (all [][2]uint64) {
	from := noRandom()
	for range n {
		all = append(all, [2]uint64{from.Uint64(), from.Uint64()})
	}
	return all
}

// TestRefused: as many as a generation has are remembered for a lifetime at least and two at most,
// and few others are taken for them.
func TestRecent(t *testing.T) {
	r := recent{generation: refusedClients, lifetime: int64(refusedTime)}
	all := hashes(2 * r.generation)
	if r.has(0, all[0]) || r.now != nil {
		t.Error("an empty filter has a client, or memory")
	}
	for i, h := range all[:r.generation] {
		r.add(int64(i), h)
	}
	for i, h := range all[:r.generation] {
		if !r.has(int64(r.generation), h) {
			t.Fatalf("client %d is forgotten", i)
		}
	}
	others := 0
	for _, h := range all[r.generation:] {
		if r.has(int64(r.generation), h) {
			others++
		}
	}
	if others > r.generation/30 {
		t.Errorf("%d of %d others are taken for clients that were refused", others, r.generation)
	}
	if !r.has(r.lifetime, all[0]) {
		t.Error("a client is forgotten within a lifetime")
	}
	if r.has(3*r.lifetime, all[0]) {
		t.Error("a client is remembered for longer than two lifetimes")
	}
}

// TestRefusedLongAgo: after a long time without packets, nobody is remembered.
func TestRecentLongAgo(t *testing.T) {
	r := recent{generation: refusedClients, lifetime: int64(refusedTime)}
	h := hashes(1)[0]
	r.add(0, h)
	if r.has(int64(time.Hour), h) {
		t.Error("a client is remembered after an hour")
	}
}

// TestTableKeepsBusiest: of more keys than a set has room for, those that sent least are forgotten.
func TestTableKeepsBusiest(t *testing.T) {
	var tab table
	key := func(n int) uint64 { return uint64(n*len(tab)) + 5 } // all in one set
	for n := range len(set{}) {
		tab.bucket(key(n)).all = bucket(10 + n)
	}
	tab.bucket(key(100)).all = 50 // replaces the first
	if got := tab.bucket(key(3)).all; got != 13 {
		t.Errorf("the busiest key has %d, want 13", got)
	}
	if got := tab.bucket(key(0)).all; got != 0 {
		t.Errorf("the least busy key has %d, want 0: it was replaced", got)
	}
	if got := tab.bucket(key(1)).all; got != 0 {
		t.Errorf("the next has %d, want 0: it was replaced by the return of the first", got)
	}
}

// FuzzRates: whatever comes, and in whatever order of times, a packet is allowed or refused by a
// limit, and a second brings no more than twice the rate.
func FuzzRates(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewRates(PADIs, Limits{Total: 3, VLAN: 2, Client: 1}, 1, noRandom())
		var at time.Duration
		allowed := 0
		for ; len(b) >= 4; b = b[4:] {
			at += time.Duration(b[0]) * time.Millisecond / 10
			o := inVLAN(uint16(b[1]), address(int(binary.BigEndian.Uint16(b[2:]))))
			switch err := r.Allow(epoch.Add(at), o, b[0]%2 == 1).(type) {
			case nil:
				allowed++
			case Exceeded:
			default:
				if err != ErrBusy {
					t.Fatalf("%v", err)
				}
			}
		}
		if most := 3 + 3*at.Seconds(); float64(allowed) > most {
			t.Errorf("%d packets in %v, want at most %v", allowed, at, most)
		}
	})
}
