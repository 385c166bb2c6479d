package datapath

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/tun/tuntest"
)

// fakeOffload is an Accelerator in memory: it moves what a test says it has moved.
type fakeOffload struct {
	refuses  error
	adds     []time.Time   // when it was asked
	leaves   error         // what it says to Guard
	from     *SourceFilter // as last told
	takes    time.Duration // to take a tunnel up
	mu       sync.Mutex    // guards the maps: tunnels are added from many sides
	sessions map[uint16]Session
	carried  map[uint16]Counters
	calls    []string
	allowed4 map[uint16]bool
	allowed6 map[uint16]bool
}

var _ Offload = (*fakeOffload)(nil)

func newFakeOffload() *fakeOffload {
	return &fakeOffload{sessions: map[uint16]Session{}, carried: map[uint16]Counters{}, allowed4: map[uint16]bool{}, allowed6: map[uint16]bool{}}
}

func (f *fakeOffload) Add(t Session) error {
	f.adds = append(f.adds, time.Now())
	time.Sleep(f.takes)
	if f.refuses != nil {
		return f.refuses
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions[t.SessionID] = t
	return nil
}

func (f *fakeOffload) SetFamilies(id uint16, ipv4, ipv6 bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "fast allow")
	if _, ok := f.sessions[id]; ok {
		f.allowed4[id], f.allowed6[id] = ipv4, ipv6
	}
}

func (f *fakeOffload) SetSourceFilter(id uint16, from *SourceFilter) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "fast guard")
	f.from = from
	return f.leaves
}

// addTimes tells when it was, counted from a time.
func (f *fakeOffload) addTimes(from time.Time) (all []time.Duration) {
	for _, at := range f.adds {
		all = append(all, at.Sub(from))
	}
	return all
}

// count tells how many tunnels it has.
func (f *fakeOffload) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sessions)
}

func (f *fakeOffload) note(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, what)
}

func (f *fakeOffload) Describe() string { return "by magic" }

func (f *fakeOffload) Counters(id uint16) Counters { return f.carried[id] }

func (f *fakeOffload) Remove(id uint16) Counters {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "fast remove")
	delete(f.sessions, id)
	c := f.carried[id]
	delete(f.carried, id)
	return c
}

// fakePath is a Path that notes what it is told.
type fakePath struct {
	offload *fakeOffload
	add     error
}

func (s *fakePath) Add(Session) error                     { return s.add }
func (s *fakePath) SetFamilies(uint16, bool, bool)        { s.offload.note("path allow") }
func (s *fakePath) SetMSS(uint16, MSSLimit)               {}
func (s *fakePath) Counters(uint16) Counters              { return Counters{1, 10, 2, 20, 3, 4, 5} }
func (s *fakePath) SetSourceFilter(uint16, *SourceFilter) {}
func (s *fakePath) SetRates(uint16, Rate, Rate)           {}
func (s *fakePath) Remove(id uint16) Counters {
	s.offload.note("path remove")
	return s.Counters(id)
}

// settle lets time pass until an Accelerator has been asked of a session that is up now.
func settle() {
	time.Sleep(settleTime)
	synctest.Wait()
}

func TestOffloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast := newFakeOffload()
		var taken []uint16
		p := NewOffloaded(&fakePath{offload: fast}, fast, func(id uint16, why error) {
			if taken = append(taken, id); why != nil {
				t.Errorf("session %d is not taken: %v", id, why)
			}
		})
		if err := p.Add(Session{SessionID: 7, Device: tuntest.New("ppp0")}); err != nil {
			t.Fatal(err)
		}
		p.SetFamilies(7, false, false)
		if synctest.Wait(); len(fast.sessions) != 0 {
			t.Error("it is asked before packets may flow")
		}
		p.SetFamilies(7, true, false)
		if synctest.Wait(); fast.count() != 0 {
			t.Error("it is asked before addresses can have been set")
		}
		settle()
		if !slices.Equal(taken, []uint16{7}) {
			t.Errorf("told of %v", taken)
		}
		if !fast.allowed4[7] || fast.allowed6[7] {
			t.Error("families are not what was allowed")
		}
		fast.carried[7] = Counters{100, 1000, 200, 2000, 300, 400, 500}
		want := Counters{101, 1010, 202, 2020, 303, 404, 505}
		if got := p.Counters(7); got != want {
			t.Errorf("counters: %+v", got)
		}
		if got := p.Remove(7); got != want {
			t.Errorf("counters in the end: %+v", got)
		}
		slices.Sort(fast.calls[:3]) // the accelerator is not waited for
		if order := []string{"fast allow", "path allow", "path allow", "fast remove", "path remove"}; !slices.Equal(fast.calls, order) {
			t.Errorf("order: %q", fast.calls)
		}
	})
}

// TestOffloadIsSlow: nobody waits for it, one session comes after the other with time for
// others in between, and each is as it is when its turn comes.
func TestOffloadIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast := newFakeOffload()
		fast.takes = time.Minute
		p := NewOffloaded(&fakePath{offload: fast}, fast, func(uint16, error) {})
		began := time.Now()
		for id := range uint16(4) {
			if err := p.Add(Session{SessionID: id}); err != nil {
				t.Fatal(err)
			}
			p.SetFamilies(id, true, true)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("it was waited for, for %v", took)
		}
		settle() // the turn of session 0 has come
		began = time.Now()
		p.SetFamilies(1, false, false)
		p.Remove(2)
		if took := time.Since(began); took != 0 {
			t.Errorf("it was waited for, for %v", took)
		}
		p.Remove(0)
		if took := time.Since(began); took != fast.takes {
			t.Errorf("something may flow when Remove returns, after %v", took)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := []time.Duration{0, (1 + idleFactor) * time.Minute, 2 * (1 + idleFactor) * time.Minute}; !slices.Equal(fast.addTimes(began), want) {
			t.Errorf("it was asked after %v, want %v", fast.addTimes(began), want)
		}
		if len(fast.sessions) != 2 || fast.allowed4[1] || !fast.allowed4[3] {
			t.Errorf("it has %v and allows %v; want sessions 1 and 3, and packets of 3 alone", fast.sessions, fast.allowed4)
		}
	})
}

func TestOffloadRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast := newFakeOffload()
		fast.refuses = errors.New("no")
		var told uint16
		p := NewOffloaded(&fakePath{offload: fast}, fast, func(id uint16, why error) {
			if !errors.Is(why, fast.refuses) {
				t.Errorf("reason: %v", why)
			}
			told = id
		})
		err := p.Add(Session{SessionID: 7})
		p.SetFamilies(7, true, true)
		settle()
		if err != nil || told != 7 {
			t.Errorf("told of session %d: %v", told, err)
		}
		p.SetFamilies(7, true, true)
		p.Remove(7)
		if order := []string{"path allow", "path allow", "path remove"}; !slices.Equal(fast.calls, order) {
			t.Errorf("what it has refused it is told of: %q", fast.calls)
		}
		fast.refuses = nil
		taken := errors.New("taken")
		p = NewOffloaded(&fakePath{offload: fast, add: taken}, fast, nil)
		if err := p.Add(Session{SessionID: 8}); !errors.Is(err, taken) || len(fast.sessions) != 0 {
			t.Errorf("the path refuses, and the accelerator has it: %v, %v", err, fast.sessions)
		}
	})
	if plain := (&fakePath{}); NewOffloaded(plain, nil, nil) != Path(plain) {
		t.Error("without an accelerator the path is changed")
	}
}

// TestOffloadSourceFilter: it hears where packets may come from before they flow, and what
// it leaves to the path is told once.
func TestOffloadSourceFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, told := newFakeOffload(), 0
		fast.leaves = errors.New("IPv6")
		p := NewOffloaded(&fakePath{offload: fast}, fast, func(_ uint16, why error) {
			if why == nil {
				return // it is taken, but for that
			}
			if told++; !errors.Is(why, fast.leaves) {
				t.Errorf("told that %v", why)
			}
		})
		if err := p.Add(Session{SessionID: 7}); err != nil {
			t.Fatal(err)
		}
		first, second := NewSourceFilter(prefixes("192.0.2.10/32")...), NewSourceFilter(prefixes("192.0.2.11/32")...)
		p.SetSourceFilter(7, first)
		if settle(); fast.from != nil {
			t.Error("it hears of a session that it does not have")
		}
		p.SetFamilies(7, true, true)
		settle()
		guarded, allowed := slices.Index(fast.calls, "fast guard"), slices.Index(fast.calls, "fast allow")
		if fast.from != first || guarded < 0 || guarded > allowed {
			t.Errorf("it was told of %v in the order %q, want %v before packets flow", fast.from, fast.calls, first)
		}
		p.SetSourceFilter(7, second)
		p.SetSourceFilter(8, first)
		if settle(); fast.from != second || told != 1 {
			t.Errorf("it goes by %v, want %v; told %d times, want once", fast.from, second, told)
		}
		p.Remove(7)
	})
}

// TestOffloadRateChanges: a session that is limited later is the path's from then on, and
// the Accelerator's again without a limit; one that it was never given is given to it then.
func TestOffloadRateChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast := newFakeOffload()
		var told []error
		p := NewOffloaded(&fakePath{offload: fast}, fast, func(_ uint16, why error) { told = append(told, why) })
		if err := p.Add(Session{SessionID: 7}); err != nil {
			t.Fatal(err)
		}
		for i, c := range []struct {
			up, down Rate
			given    bool
			told     int
		}{
			{Rate{Bits: 1}, Rate{}, false, 1}, {Rate{Bits: 2}, Rate{}, false, 1}, {Rate{}, Rate{}, true, 2},
			{Rate{}, Rate{}, true, 2}, {Rate{}, Rate{Bits: 1}, false, 3}, {Rate{}, Rate{}, true, 4},
		} {
			p.SetFamilies(7, false, false)
			p.SetRates(7, c.up, c.down)
			p.SetFamilies(7, true, false)
			settle()
			if fast.allowed4[7] != c.given || len(told) != c.told {
				t.Fatalf("%d: %+v: given %v, told %v; want %v, told %d times", i, c, fast.allowed4[7], told, c.given, c.told)
			}
			if last := told[len(told)-1]; errors.Is(last, ErrRateLimited) == c.given {
				t.Errorf("%d: %+v: told %v", i, c, last)
			}
		}
		if n := len(fast.adds); n != 1 {
			t.Errorf("it was asked %d times, want once", n)
		}
		p.SetRates(8, Rate{Bits: 1}, Rate{}) // there is none
		p.SetRates(7, Rate{Bits: 1}, Rate{})
		p.Remove(7)
		if fast.count() != 0 {
			t.Error("what is limited in the end stays with it")
		}
	})
}

// TestOffloadRateLimited: a session with a limit either way is the path's alone,
// and that is told.
func TestOffloadRateLimited(t *testing.T) {
	for _, c := range []struct {
		up, down Rate
		given    bool
	}{{Rate{}, Rate{}, true}, {Rate{Bits: 1}, Rate{}, false}, {Rate{}, Rate{Bits: 1}, false}} {
		synctest.Test(t, func(t *testing.T) {
			fast, told := newFakeOffload(), 0
			p := NewOffloaded(&fakePath{offload: fast}, fast, func(id uint16, why error) {
				if why == nil {
					return // it is taken
				}
				if told++; id != 7 || !errors.Is(why, ErrRateLimited) {
					t.Errorf("told of session %d that %v", id, why)
				}
			})
			if err := p.Add(Session{SessionID: 7}); err != nil {
				t.Fatal(err)
			}
			p.SetRates(7, c.up, c.down)
			for range 2 {
				p.SetFamilies(7, true, true)
				settle()
			}
			if _, given := fast.sessions[7]; given != c.given || told == 1 == c.given {
				t.Errorf("%+v: given %v, want %v; told %d times", c, given, c.given, told)
			}
			p.Remove(7)
		})
	}
}
