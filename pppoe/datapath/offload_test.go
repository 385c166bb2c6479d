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

// fakeOffload is an Offload in memory, with counters that a test sets.
type fakeOffload struct {
	refuses  error
	adds     []time.Time   // when Add was called
	leaves   error         // the error of SetSourceFilter
	from     *SourceFilter // from the last SetSourceFilter
	takes    time.Duration // time that Add takes
	mu       sync.Mutex    // guards the following: Add is called from other goroutines
	sessions map[uint16]*fakeOffloadSession
	carried  map[uint16]Counters
	calls    []string
	allowed4 map[uint16]bool
	allowed6 map[uint16]bool
}

// fakeOffloadSession is a session of a fakeOffload.
type fakeOffloadSession struct {
	*fakeOffload
	id    uint16
	final Counters
}

var _ Offload = (*fakeOffload)(nil)

func newFakeOffload() *fakeOffload {
	return &fakeOffload{sessions: map[uint16]*fakeOffloadSession{}, carried: map[uint16]Counters{}, allowed4: map[uint16]bool{}, allowed6: map[uint16]bool{}}
}

func (f *fakeOffload) Add(c SessionConfig) (OffloadSession, error) {
	f.adds = append(f.adds, time.Now())
	time.Sleep(f.takes)
	if f.refuses != nil {
		return nil, f.refuses
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &fakeOffloadSession{fakeOffload: f, id: c.SessionID}
	f.sessions[c.SessionID] = s
	return s, nil
}

func (f *fakeOffloadSession) SetFamilies(ipv4, ipv6 bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "offload families")
	f.allowed4[f.id], f.allowed6[f.id] = ipv4, ipv6
}

func (f *fakeOffloadSession) SetSourceFilter(from *SourceFilter) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "offload filter")
	f.from = from
	return f.leaves
}

// addTimes returns the times of calls of Add, relative to a time.
func (f *fakeOffload) addTimes(from time.Time) (all []time.Duration) {
	for _, at := range f.adds {
		all = append(all, at.Sub(from))
	}
	return all
}

// count returns the number of sessions.
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

func (f *fakeOffloadSession) Counters() Counters {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sessions[f.id] != f {
		return f.final
	}
	return f.carried[f.id]
}

func (f *fakeOffloadSession) Remove() Counters {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "offload remove")
	delete(f.sessions, f.id)
	f.final = f.carried[f.id]
	return f.final
}

// fakePath is a Path that records calls; it is the path of each session, too.
type fakePath struct {
	offload *fakeOffload
	add     error
}

func (p *fakePath) Add(SessionConfig) (Session, error) {
	if p.add != nil {
		return nil, p.add
	}
	return p, nil
}
func (p *fakePath) SetFamilies(bool, bool)        { p.offload.note("path families") }
func (p *fakePath) SetMSS(MSSLimit)               {}
func (p *fakePath) Counters() Counters            { return Counters{1, 10, 2, 20, 3, 4, 5} }
func (p *fakePath) SetSourceFilter(*SourceFilter) {}
func (p *fakePath) SetRates(Rate, Rate)           {}
func (p *fakePath) Remove() Counters {
	p.offload.note("path remove")
	return p.Counters()
}

// addSession adds a session with an ID.
func addSession(t *testing.T, p Path, id uint16) Session {
	t.Helper()
	s, err := p.Add(SessionConfig{Key: Key{SessionID: id}, Device: tuntest.New("ppp0")})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// settle lets the time pass until a new session has been added to the Offload.
func settle() {
	time.Sleep(settleTime)
	synctest.Wait()
}

func TestOffloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		offload := newFakeOffload()
		var added []uint16
		p := NewOffloaded(&fakePath{offload: offload}, offload, func(c SessionConfig, why error) {
			id := c.SessionID
			if added = append(added, id); why != nil {
				t.Errorf("session %d is not offloaded: %v", id, why)
			}
		})
		s := addSession(t, p, 7)
		s.SetFamilies(false, false)
		if synctest.Wait(); len(offload.sessions) != 0 {
			t.Error("the session is offloaded before packets may pass")
		}
		s.SetFamilies(true, false)
		if synctest.Wait(); offload.count() != 0 {
			t.Error("the session is offloaded before settleTime is over")
		}
		settle()
		if !slices.Equal(added, []uint16{7}) {
			t.Errorf("reported sessions %v, want 7 alone", added)
		}
		if !offload.allowed4[7] || offload.allowed6[7] {
			t.Error("the families differ from those that were set")
		}
		offload.carried[7] = Counters{100, 1000, 200, 2000, 300, 400, 500}
		want := Counters{101, 1010, 202, 2020, 303, 404, 505}
		if got := s.Counters(); got != want {
			t.Errorf("counters: %+v", got)
		}
		if got := s.Remove(); got != want {
			t.Errorf("counters in the end: %+v", got)
		}
		slices.Sort(offload.calls[:3]) // the Offload is not waited for
		if order := []string{"offload families", "path families", "path families", "offload remove", "path remove"}; !slices.Equal(offload.calls, order) {
			t.Errorf("order: %q", offload.calls)
		}
	})
}

// TestOffloadIsSlow: nothing waits for Offload.Add; sessions are added one after the other with
// pauses, each in the state that it has when its turn comes.
func TestOffloadIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		offload := newFakeOffload()
		offload.takes = time.Minute
		p := NewOffloaded(&fakePath{offload: offload}, offload, func(SessionConfig, error) {})
		began := time.Now()
		var sessions []Session
		for id := range uint16(4) {
			sessions = append(sessions, addSession(t, p, id))
			sessions[id].SetFamilies(true, true)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the Offload was waited for, for %v", took)
		}
		settle() // session 0 is being added
		began = time.Now()
		sessions[1].SetFamilies(false, false)
		sessions[2].Remove()
		if took := time.Since(began); took != 0 {
			t.Errorf("the Offload was waited for, for %v", took)
		}
		sessions[0].Remove()
		if took := time.Since(began); took != offload.takes {
			t.Errorf("Remove returned after %v, before Offload.Add", took)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := []time.Duration{0, (1 + idleFactor) * time.Minute, 2 * (1 + idleFactor) * time.Minute}; !slices.Equal(offload.addTimes(began), want) {
			t.Errorf("sessions were added after %v, want %v", offload.addTimes(began), want)
		}
		if len(offload.sessions) != 2 || offload.allowed4[1] || !offload.allowed4[3] {
			t.Errorf("the Offload has %v and allows %v; want sessions 1 and 3, and packets of 3 alone", offload.sessions, offload.allowed4)
		}
	})
}

func TestOffloadRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		offload := newFakeOffload()
		offload.refuses = errors.New("no")
		var reported uint16
		p := NewOffloaded(&fakePath{offload: offload}, offload, func(c SessionConfig, why error) {
			if !errors.Is(why, offload.refuses) {
				t.Errorf("reason: %v", why)
			}
			reported = c.SessionID
		})
		s := addSession(t, p, 7)
		s.SetFamilies(true, true)
		settle()
		if reported != 7 {
			t.Errorf("reported session %d", reported)
		}
		s.SetFamilies(true, true)
		s.Remove()
		if order := []string{"path families", "path families", "path remove"}; !slices.Equal(offload.calls, order) {
			t.Errorf("calls: %q; want none for a session that the Offload has refused", offload.calls)
		}
		offload.refuses = nil
		inUse := errors.New("in use")
		p = NewOffloaded(&fakePath{offload: offload, add: inUse}, offload, nil)
		if _, err := p.Add(SessionConfig{Key: Key{SessionID: 8}}); !errors.Is(err, inUse) || len(offload.sessions) != 0 {
			t.Errorf("the path refuses a session, and the Offload has it: %v, %v", err, offload.sessions)
		}
	})
	if plain := (&fakePath{}); NewOffloaded(plain, nil, nil) != Path(plain) {
		t.Error("without an Offload the path is wrapped")
	}
}

// TestOffloadSourceFilter: the Offload receives the source filter before packets may pass, and the
// packets that it leaves to the path are reported once.
func TestOffloadSourceFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		offload, reported := newFakeOffload(), 0
		offload.leaves = errors.New("IPv6")
		p := NewOffloaded(&fakePath{offload: offload}, offload, func(_ SessionConfig, why error) {
			if why == nil {
				return // it is added; the filter is reported separately
			}
			if reported++; !errors.Is(why, offload.leaves) {
				t.Errorf("reported %v", why)
			}
		})
		s := addSession(t, p, 7)
		first, second := NewSourceFilter(prefixes("192.0.2.10/32")...), NewSourceFilter(prefixes("192.0.2.11/32")...)
		s.SetSourceFilter(first)
		if settle(); offload.from != nil {
			t.Error("the Offload receives the filter of a session that it does not have")
		}
		s.SetFamilies(true, true)
		settle()
		filtered, allowed := slices.Index(offload.calls, "offload filter"), slices.Index(offload.calls, "offload families")
		if offload.from != first || filtered < 0 || filtered > allowed {
			t.Errorf("the Offload has filter %v, calls %q; want %v before packets may pass", offload.from, offload.calls, first)
		}
		s.SetSourceFilter(second)
		if settle(); offload.from != second || reported != 1 {
			t.Errorf("the Offload has filter %v, want %v; reported %d times, want once", offload.from, second, reported)
		}
		s.Remove()
	})
}

// TestOffloadRateChanges: a session with a later rate is the path's from then on, and the Offload's
// again without a rate; a session that was never added is added then.
func TestOffloadRateChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		offload := newFakeOffload()
		var reported []error
		p := NewOffloaded(&fakePath{offload: offload}, offload, func(_ SessionConfig, why error) { reported = append(reported, why) })
		s := addSession(t, p, 7)
		for i, c := range []struct {
			up, down  Rate
			offloaded bool
			reported  int
		}{
			{Rate{Bits: 1}, Rate{}, false, 1}, {Rate{Bits: 2}, Rate{}, false, 1}, {Rate{}, Rate{}, true, 2},
			{Rate{}, Rate{}, true, 2}, {Rate{}, Rate{Bits: 1}, false, 3}, {Rate{}, Rate{}, true, 4},
		} {
			s.SetFamilies(false, false)
			s.SetRates(c.up, c.down)
			s.SetFamilies(true, false)
			settle()
			if offload.allowed4[7] != c.offloaded || len(reported) != c.reported {
				t.Fatalf("%d: %+v: offloaded %v, reported %v; want %v, %d reports", i, c, offload.allowed4[7], reported, c.offloaded, c.reported)
			}
			if last := reported[len(reported)-1]; errors.Is(last, ErrRateLimited) == c.offloaded {
				t.Errorf("%d: %+v: reported %v", i, c, last)
			}
		}
		if n := len(offload.adds); n != 1 {
			t.Errorf("the session was added %d times, want once", n)
		}
		s.SetRates(Rate{Bits: 1}, Rate{})
		s.Remove()
		if offload.count() != 0 {
			t.Error("a session with a rate stays in the Offload after Remove")
		}
	})
}

// TestOffloadRateLimited: a session with a rate in either direction is the path's alone, and that
// is reported.
func TestOffloadRateLimited(t *testing.T) {
	for _, c := range []struct {
		up, down  Rate
		offloaded bool
	}{{Rate{}, Rate{}, true}, {Rate{Bits: 1}, Rate{}, false}, {Rate{}, Rate{Bits: 1}, false}} {
		synctest.Test(t, func(t *testing.T) {
			offload, reported := newFakeOffload(), 0
			p := NewOffloaded(&fakePath{offload: offload}, offload, func(c SessionConfig, why error) {
				if why == nil {
					return // it is added
				}
				if reported++; c.SessionID != 7 || !errors.Is(why, ErrRateLimited) {
					t.Errorf("reported session %d: %v", c.SessionID, why)
				}
			})
			s := addSession(t, p, 7)
			s.SetRates(c.up, c.down)
			for range 2 {
				s.SetFamilies(true, true)
				settle()
			}
			if _, offloaded := offload.sessions[7]; offloaded != c.offloaded || reported == 1 == c.offloaded {
				t.Errorf("%+v: offloaded %v, want %v; %d reports", c, offloaded, c.offloaded, reported)
			}
			s.Remove()
		})
	}
}
