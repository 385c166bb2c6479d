package limit

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// noRandom returns a source of random numbers that is the same in each run.
func noRandom() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{1}) }

// address returns the n-th address of a client.
func address(n int) wire.Addr {
	a := wire.Addr{2}
	binary.BigEndian.PutUint32(a[2:], uint32(n))
	return a
}

func inVLAN(vid uint16, client wire.Addr) Origin {
	return Origin{VLAN: vlan.Stack{{TPID: vlan.CTag, VID: vid}}, Client: client}
}

// TestRate: a client gets what is allowed in a second at once, and after that a packet each time
// that the rate allows one. Others have rates of their own.
func TestRate(t *testing.T) {
	r := NewRates(PADIs, Limits{Client: 4}, 1, noRandom())
	for _, c := range []struct {
		at   time.Duration
		from int
		ok   bool
	}{
		{0, 1, true}, {0, 1, true}, {0, 1, true}, {0, 1, true}, {0, 1, false}, {0, 2, true},
		{250*time.Millisecond - 1, 1, false}, {250 * time.Millisecond, 1, true}, {250 * time.Millisecond, 1, false},
		{750 * time.Millisecond, 1, true}, {750 * time.Millisecond, 1, true}, {750 * time.Millisecond, 1, false},
		{time.Hour, 1, true}, {time.Hour, 1, true}, {time.Hour, 1, true}, {time.Hour, 1, true}, {time.Hour, 1, false},
	} {
		err := r.Allow(epoch.Add(c.at), Origin{Client: address(c.from)}, false)
		if want := (Exceeded{PADIs, PerClient}); (err == nil) != c.ok || err != nil && err != want {
			t.Errorf("at %v, client %d: %v, want it to be allowed: %v", c.at, c.from, err, c.ok)
		}
	}
}

// TestRateScopes: each scope has its own limit, and a packet beyond one of them does not count for
// the others.
func TestRateScopes(t *testing.T) {
	none := Limits{-1, -1, -1, -1}
	for scope, other := range map[Scope]Origin{
		PerClient:    inVLAN(7, address(2)),
		PerVLAN:      inVLAN(8, address(1)),
		PerInterface: {Interface: 1, VLAN: inVLAN(7, address(1)).VLAN, Client: address(1)},
		Total:        {},
	} {
		limits := none
		*limits.of(scope) = 2
		r := NewRates(PADRs, limits, 2, noRandom())
		for i := range 3 {
			err := r.Allow(epoch, inVLAN(7, address(1)), false)
			if want := (Exceeded{PADRs, scope}); (err == nil) != (i < 2) || err != nil && err != want {
				t.Errorf("%v: packet %d: %v", scope, i+1, err)
			}
		}
		if err := r.Allow(epoch, other, false); (err == nil) == (scope == Total) {
			t.Errorf("%v: a packet from %v: %v", scope, other, err)
		}
	}
}

// TestNoLimits: negative limits are none, and there is none that is not set, except by default.
func TestNoLimits(t *testing.T) {
	r := NewRates(PADIs, Limits{-1, -1, -1, -1}, 1, noRandom())
	for range 100_000 {
		if err := r.Allow(epoch, Origin{Client: address(1)}, false); err != nil {
			t.Fatal(err)
		}
	}
	if l := (Limits{}).effective(Sessions); l != [scopes]int{} {
		t.Errorf("default limits of sessions: %v", l)
	}
	if l := (Limits{VLAN: 5, Client: -1}).effective(PADRs); l != [scopes]int{PerVLAN: 5, PerInterface: DefaultPADRs.Interface} {
		t.Errorf("limits of PADRs: %v", l)
	}
}

// TestPowerFailure: 65,534 clients in 4,000 VLANs that return within four seconds are all answered.
func TestPowerFailure(t *testing.T) {
	r := NewRates(PADIs, Limits{}, 1, noRandom())
	for i := range 65_534 {
		at := epoch.Add(time.Duration(i) * 4 * time.Second / 65_534)
		if err := r.Allow(at, inVLAN(uint16(1+i%4000), address(i)), false); err != nil {
			t.Fatalf("client %d: %v", i, err)
		}
	}
}

// flood gives a limiter n packets a second for some time, from at on, and calls each before each
// second.
func flood(r *Rates, at time.Time, seconds, n int, from func(i int) Origin, each func(at time.Time)) {
	for s := range seconds {
		for i := range n {
			now := at.Add(time.Duration(s)*time.Second + time.Duration(i)*time.Second/time.Duration(n))
			if i == n/2 {
				each(now)
			}
			r.Allow(now, from(s*n+i), false)
		}
	}
}

// TestFirstPADIInFlood: while 100,000 forged addresses a second send PADIs, the first one of each real
// client is answered.
func TestFirstPADIInFlood(t *testing.T) {
	r := NewRates(PADIs, Limits{}, 1, noRandom())
	flood(r, epoch, 5, 100_000, func(i int) Origin { return inVLAN(7, address(i)) }, func(at time.Time) {
		for n := range 20 {
			if err := r.Allow(at, inVLAN(7, address(1<<30+n)), false); err != nil {
				t.Errorf("client %d at %v: %v", n, at.Sub(epoch), err)
			}
		}
	})
}

// TestBusy: while packets arrive faster than they are handled, those of clients that repeat one, or
// are known from a session, are handled.
func TestBusy(t *testing.T) {
	r := NewRates(PADIs, Limits{}, 1, noRandom())
	known, repeats, other := inVLAN(7, address(1)), inVLAN(7, address(2)), inVLAN(7, address(3))
	r.Remember(epoch, known)
	for _, c := range []struct {
		after time.Duration
		from  Origin
		busy  bool
		want  error
	}{
		{time.Minute, known, true, nil}, {time.Minute, repeats, true, ErrBusy}, {time.Minute + 5*time.Second, repeats, true, nil},
		{time.Minute + 5*time.Second, other, true, ErrBusy}, {time.Minute + 5*time.Second, inVLAN(8, address(1)), false, nil},
		{knownTime, known, true, nil}, {3 * knownTime, known, true, ErrBusy},
	} {
		if err := r.Allow(epoch.Add(c.after), c.from, c.busy); err != c.want {
			t.Errorf("%v after %v, busy %v: %v, want %v", c.from, c.after, c.busy, err, c.want)
		}
	}
}

// TestFloods: a real client is answered at its second attempt, at the latest, 4 s after the first,
// while others send 100,000 packets a second, of which 20,000 are allowed: each from another address, a few addresses all, or
// each of many several.
func TestFloods(t *testing.T) {
	for name, from := range map[string]func(i int) wire.Addr{
		"forged addresses":             address,
		"one address":                  func(int) wire.Addr { return address(1) },
		"four addresses":               func(i int) wire.Addr { return address(i % 4) },
		"5,000 addresses again, again": func(i int) wire.Addr { return address(i % 5000) },
	} {
		r := NewRates(PADIs, Limits{VLAN: 20_000}, 1, noRandom())
		answered := make(map[int]int)
		real := 0
		flood(r, epoch, 8, 100_000, func(i int) Origin { return inVLAN(7, from(i)) }, func(at time.Time) {
			real++
			for n := range real { // a new client each second, which repeats its packet after 4 s
				if attempt := real - 1 - n; attempt%4 == 0 && answered[n] == 0 {
					if r.Allow(at, inVLAN(7, address(1<<30+n)), false) == nil {
						answered[n] = attempt/4 + 1
					}
				}
			}
		})
		for n := range real - 4 {
			if answered[n] == 0 {
				t.Errorf("%s: client %d is not answered", name, n)
			}
		}
	}
}

// TestFloodOfVLAN: a flood in one VLAN does not touch another.
func TestFloodOfVLAN(t *testing.T) {
	r := NewRates(PADIs, Limits{}, 1, noRandom())
	flood(r, epoch, 3, 100_000, func(i int) Origin { return inVLAN(7, address(i)) }, func(at time.Time) {
		for i := range 100 {
			if err := r.Allow(at, inVLAN(8, address(1<<30+i)), false); err != nil {
				t.Errorf("a client of another VLAN: %v", err)
			}
		}
	})
}

// TestForgedAddressesNeverFillABucket: however many addresses send, none that sends little is
// refused by its own limit, and one that sends too much is.
func TestForgedAddressesNeverFillABucket(t *testing.T) {
	r := NewRates(PADIs, Limits{Client: 2, VLAN: -1, Interface: -1}, 1, noRandom())
	greedy := 0
	for i := range 300_000 {
		at := epoch.Add(time.Duration(i) * 10 * time.Microsecond)
		if err := r.Allow(at, Origin{Client: address(i)}, false); err != nil {
			t.Fatalf("address %d: %v", i, err)
		}
		if i%100 == 0 && r.Allow(at, Origin{Client: address(1 << 30)}, false) == nil {
			greedy++
		}
	}
	if greedy > 2+2*3 {
		t.Errorf("an address that sends 1,000 packets a second is allowed %d in 3 s, want 2 a second", greedy)
	}
}

// TestRatesAllocateNothing: a flood of forged addresses makes no garbage, and no memory grows by it.
func TestRatesAllocateNothing(t *testing.T) {
	r := NewRates(PADIs, Limits{VLAN: 10}, 1, noRandom())
	i := 0
	allow := func() {
		i++
		r.Allow(epoch.Add(time.Duration(i)*10*time.Microsecond), inVLAN(uint16(i), address(i)), false)
	}
	for range 100_000 { // the first one refused makes the filters
		allow()
	}
	if n := testing.AllocsPerRun(100_000, allow); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func BenchmarkRates(b *testing.B) {
	r := NewRates(PADIs, Limits{}, 1, noRandom())
	for i := 0; b.Loop(); i++ {
		r.Allow(epoch.Add(time.Duration(i)*10*time.Microsecond), inVLAN(7, address(i)), false)
	}
}
