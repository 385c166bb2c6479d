package datapath

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/tun/tuntest"
)

// fakeOffload is an Offload in memory, with counters that a test sets.
type fakeOffload struct {
	adds     []time.Time   // when Add was called
	leaves   error         // the error of SetSourceFilter
	from     *SourceFilter // from the last SetSourceFilter
	rates    [2]Rate       // from the last SetRates
	prefixes []netip.Prefix
	mtu      int
	takes    time.Duration // time that Add takes
	mu       sync.Mutex    // guards the following: Add is called from other goroutines
	refuses  error         // the error of Add
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
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuses != nil {
		return nil, f.refuses
	}
	s := &fakeOffloadSession{fakeOffload: f, id: c.SessionID}
	f.sessions[c.SessionID] = s
	return s, nil
}

// refuse sets the error of Add.
func (f *fakeOffload) refuse(why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuses = why
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

func (f *fakeOffloadSession) SetRates(up, down Rate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "offload rates")
	f.rates = [2]Rate{up, down}
}

func (f *fakeOffloadSession) SetPrefixes(all []netip.Prefix) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prefixes = all
	return f.leaves
}

func (f *fakeOffloadSession) SetMTU(octets int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mtu = octets
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
	Session
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
func (p *fakePath) Counters() Counters            { return Counters{1, 10, 2, 20, 3, 4, 5, 6} }
func (p *fakePath) SetSourceFilter(*SourceFilter) {}
func (p *fakePath) SetRates(Rate, Rate)           {}
func (p *fakePath) Leave()                        {}
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
		offload.carried[7] = Counters{100, 1000, 200, 2000, 300, 400, 500, 600}
		want := Counters{101, 1010, 202, 2020, 303, 404, 505, 606}
		if got := s.Counters(); got != want {
			t.Errorf("counters: %+v", got)
		}
		if got := s.Remove(); got != want {
			t.Errorf("counters in the end: %+v", got)
		}
		slices.Sort(offload.calls[:4]) // the Offload is not waited for
		if order := []string{"offload families", "offload rates", "path families", "path families", "offload remove", "path remove"}; !slices.Equal(offload.calls, order) {
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

// TestOffloadLater: a session that the Offload does not add now is added later, in its turn, unless it has been
// removed or left. Nothing is reported before.
func TestOffloadLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		offload := newFakeOffload()
		offload.refuses = fmt.Errorf("busy: %w", ErrOffloadLater)
		var reported []uint16
		p := NewOffloaded(&fakePath{offload: offload}, offload, func(c SessionConfig, why error) {
			if reported = append(reported, c.SessionID); why != nil {
				t.Errorf("session %d: %v", c.SessionID, why)
			}
		})
		var sessions []Session
		for id := range uint16(4) {
			sessions = append(sessions, addSession(t, p, id))
			sessions[id].SetFamilies(true, false)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		sessions[0].Remove()
		sessions[1].Leave()
		offload.refuse(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.Equal(reported, []uint16{2, 3}) || !offload.allowed4[3] {
			t.Errorf("added %v, want 2 and 3; session 3 passes %v", reported, offload.allowed4[3])
		}
	})
}

// TestOffloadSourceFilter: the Offload receives the source filter before packets may pass, and the
// its error is reported.
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
		if settle(); offload.from != second || reported != 2 {
			t.Errorf("the Offload has filter %v, want %v; reported %d times, want twice", offload.from, second, reported)
		}
		s.Remove()
	})
}

// TestOffloadRates: the Offload receives the rates of a session before its packets may pass, and
// later ones.
func TestOffloadRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		offload := newFakeOffload()
		p := NewOffloaded(&fakePath{offload: offload}, offload, func(_ SessionConfig, why error) {
			if why != nil {
				t.Errorf("reported %v", why)
			}
		})
		s := addSession(t, p, 7)
		s.SetRates(Rate{Bits: 1}, Rate{Bits: 2})
		s.SetFamilies(true, true)
		settle()
		limited, allowed := slices.Index(offload.calls, "offload rates"), slices.Index(offload.calls, "offload families")
		if want := [2]Rate{{Bits: 1}, {Bits: 2}}; offload.rates != want || limited < 0 || limited > allowed {
			t.Errorf("rates %v, calls %q", offload.rates, offload.calls)
		}
		s.SetRates(Rate{Bits: 3}, Rate{})
		if want := [2]Rate{{Bits: 3}, {}}; offload.rates != want {
			t.Errorf("rates %v, want %v", offload.rates, want)
		}
		s.Remove()
		s.SetRates(Rate{}, Rate{})
		if want := [2]Rate{{Bits: 3}, {}}; offload.rates != want {
			t.Errorf("after Remove: rates %v, want %v", offload.rates, want)
		}
	})
}

// sharingOffload is a fakeOffload that shares its token buckets.
type sharingOffload struct {
	*fakeOffload
	up, down atomic.Int64
	now      int64
}

type sharingSession struct {
	OffloadSession
	of *sharingOffload
}

func (f *sharingOffload) Add(c SessionConfig) (OffloadSession, error) {
	s, err := f.fakeOffload.Add(c)
	return &sharingSession{s, f}, err
}

func (s *sharingSession) Buckets() SharedBuckets {
	return SharedBuckets{&s.of.up, &s.of.down, func() int64 { return s.of.now }}
}

// TestSharedBuckets: the path takes from the buckets of the Offload, by their clock, with the tokens
// that were left in its own.
func TestSharedBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		offload := &sharingOffload{fakeOffload: newFakeOffload(), now: int64(time.Hour)}
		engine := newPlainPath([]Port{&fakePort{}}, func([]byte) {}, func(SessionConfig) {})
		p := NewOffloaded(engine, offload, func(SessionConfig, error) {})
		s := addSession(t, p, 7)
		e := s.(*offloadedSession).Session.(*entry)
		rate := Rate{Bits: 8000, Burst: 20 * time.Second} // 1000 octets a second, 20,000 in the bucket
		s.SetRates(rate, Rate{})
		began := engine.clock()
		if !e.conforms(e.rateLimits().up, 19_000, began) {
			t.Fatal("the bucket is not full")
		}
		s.SetFamilies(true, true)
		settle()
		if want := int64(time.Hour+19*time.Second-settleTime) * ticks; offload.up.Load() != want {
			t.Errorf("the bucket will be full at %v, want %v", time.Duration(offload.up.Load()/ticks), time.Duration(want/ticks))
		}
		offload.up.Add(int64(time.Second) * ticks) // the Offload takes 1000 octets
		if now := engine.clock(); !e.conforms(e.rateLimits().up, 1000, now) || e.conforms(e.rateLimits().up, 1, now) {
			t.Error("the path does not take from the Offload's bucket")
		}
		s.SetRates(Rate{}, rate)
		if now := engine.clock(); !e.conforms(e.rateLimits().down, 20_000, now) || e.conforms(e.rateLimits().down, 1, now) || offload.down.Load() == 0 {
			t.Error("a later rate has a bucket of its own")
		}
		s.Remove()
	})
}

// TestOffloadShared: a session of a SharedDevice is in the Offload as soon as in the path, which has
// its prefixes and its MTU first.
func TestOffloadShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		offload := newFakeOffload()
		device := NewSharedDevice(SharedConfig{Device: tuntest.New("pppoe0")})
		defer device.Close()
		var reported []error
		p := NewOffloaded(newPlainPath([]Port{&fakePort{}}, func([]byte) {}, func(SessionConfig) {}), offload, func(_ SessionConfig, why error) { reported = append(reported, why) })
		add := func(id uint16) Session {
			s, err := p.Add(SessionConfig{Key: Key{SessionID: id}, Shared: device})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // it is reported
			return s
		}
		s, other := add(7), add(8)
		if offload.count() != 2 {
			t.Fatalf("the Offload has %d sessions, want 2", offload.count())
		}
		first := prefixes("192.0.2.10/32", "2001:db8::/56")
		if err := s.SetPrefixes(first); err != nil || !slices.Equal(offload.prefixes, first) {
			t.Errorf("%v: the Offload has %v, want %v", err, offload.prefixes, first)
		}
		if err := other.SetPrefixes(prefixes("192.0.2.10/32")); !errors.Is(err, ErrPrefixInUse) || !slices.Equal(offload.prefixes, first) {
			t.Errorf("%v: the Offload has %v, want %v", err, offload.prefixes, first)
		}
		if s.SetMTU(1480); offload.mtu != 1480 {
			t.Errorf("the Offload has MTU %d", offload.mtu)
		}
		if s.SetFamilies(true, false); !offload.allowed4[7] || offload.allowed6[7] {
			t.Error("the Offload has other families")
		}
		offload.leaves = errors.New("full")
		if err := other.SetPrefixes(prefixes("192.0.2.11/32")); err != nil {
			t.Errorf("the Offload refuses a prefix: %v", err)
		}
		if synctest.Wait(); !slices.Equal(reported, []error{nil, nil, offload.leaves}) {
			t.Errorf("reported %v", reported)
		}
		s.Remove()
		other.Remove()
		if offload.count() != 0 || len(offload.adds) != 2 {
			t.Errorf("the Offload has %d sessions, of %d", offload.count(), len(offload.adds))
		}
	})
}
