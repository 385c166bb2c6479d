package accounting

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"

	"upppoe/internal/aaa/radius"
	"upppoe/ipcp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// fakeClient is a Client whose servers answer unless they are away.
type fakeClient struct {
	mu      sync.Mutex
	away    bool
	delay   time.Duration
	got     []*layeh.Packet
	current map[string]int // requests of a session at a time
	overlap bool
	// refuse reports whether the servers do not answer a record; nil: they answer all.
	refuse func(session string, k rfc2866.AcctStatusType) bool
}

var errAway = errors.New("no answer")

func (c *fakeClient) Exchange(ctx context.Context, build radius.Build) (*layeh.Packet, error) {
	p, err := build([]byte("secret"))
	if err != nil {
		return nil, err
	}
	id := rfc2866.AcctSessionID_GetString(p)
	c.mu.Lock()
	c.current[id]++
	c.overlap = c.overlap || c.current[id] > 1
	away, delay := c.away, c.delay
	c.mu.Unlock()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current[id]--
	if away || c.refuse != nil && c.refuse(id, rfc2866.AcctStatusType_Get(p)) {
		return nil, errAway
	}
	if err == nil {
		c.got = append(c.got, p)
	}
	return p, err
}

func (c *fakeClient) set(away bool) { c.mu.Lock(); defer c.mu.Unlock(); c.away = away }

func (c *fakeClient) setDelay(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.delay = d }

// received returns what the servers have got: session and status type.
func (c *fakeClient) received() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.got {
		all = append(all, fmt.Sprintf("%s %v", rfc2866.AcctSessionID_GetString(p), rfc2866.AcctStatusType_Get(p)))
	}
	return all
}

// fakeServer has the counters of sessions.
type fakeServer struct {
	counters datapath.Counters
	recorded atomic.Int32
}

func (s *fakeServer) Session(pppoe.SessionKey) (pppoe.SessionStatus, error) {
	return pppoe.SessionStatus{Counters: s.counters, Prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8:100::/56"), {}}}, nil
}

func (s *fakeServer) RecordCounters(pppoe.SessionKey) error {
	s.recorded.Add(1)
	return nil
}

func start(t *testing.T, c *fakeClient, cfg Config) *Accounting {
	t.Helper()
	c.current = map[string]int{}
	cfg.Client, cfg.NAS = c, &radius.NAS{Identifier: "bng1", Started: time.Unix(1, 0)}
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	a.Start(&fakeServer{counters: datapath.Counters{SentBytes: 5<<32 + 7, ReceivedBytes: 9, SentPackets: 3, ReceivedPackets: 2}}, false)
	return a
}

func open(a *Accounting, generation uint64, p pppoe.SessionPolicy) pppoe.SessionInfo {
	s := pppoe.SessionInfo{Interface: "eth1", Generation: generation, User: "alice"}
	a.Notify(s, pppoe.Configured{Addressing: pppoe.Addressing{IPv4: ipcp.Agreement{Local: netip.MustParseAddr("192.0.2.1"), Remote: netip.MustParseAddr("192.0.2.7")}}, Policy: &p})
	return s
}

func end(a *Accounting, s pppoe.SessionInfo) {
	a.Notify(s, pppoe.Ended{Reason: session.Reason{Cause: session.CauseIdle}, Counters: datapath.Counters{SentBytes: 6 << 32, ReceivedBytes: 10}, Uptime: time.Minute})
}

func id(n uint64) string { return (&radius.NAS{Started: time.Unix(1, 0)}).SessionID(n) }

// TestRecords: a session's records, from Accounting-On to Accounting-Off, and what is in them.
func TestRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeClient{delay: time.Millisecond}
		a := start(t, c, Config{Interim: 10 * time.Minute})
		s := open(a, 1, pppoe.SessionPolicy{Class: [][]byte{{1}, {2}}, InterimInterval: time.Minute})
		time.Sleep(70 * time.Second)
		end(a, s)
		if err := a.Close(time.Minute); err != nil {
			t.Fatal(err)
		}
		want := []string{id(0) + " Accounting-On", id(1) + " Start", id(1) + " Interim-Update", id(1) + " Stop", id(0) + " Accounting-Off"}
		if got := c.received(); !slices.Equal(got, want) {
			t.Fatalf("received %q", got)
		}
		interim, stop := c.got[2], c.got[3]
		if rfc2865.UserName_GetString(stop) != "alice" || rfc2866.AcctOutputOctets_Get(stop) != 0 || rfc2869.AcctOutputGigawords_Get(stop) != 6 ||
			rfc2866.AcctInputOctets_Get(stop) != 10 || rfc2866.AcctTerminateCause_Get(stop) != rfc2866.AcctTerminateCause_Value_IdleTimeout ||
			rfc2866.AcctSessionTime_Get(stop) != 70 || rfc2865.FramedIPAddress_Get(stop).String() != "192.0.2.7" {
			t.Errorf("stop: %v", stop.Attributes)
		}
		if classes, _ := rfc2865.Class_Gets(stop); len(classes) != 2 {
			t.Errorf("classes %v", classes)
		}
		if rfc2866.AcctOutputOctets_Get(interim) != 7 || rfc2869.AcctOutputGigawords_Get(interim) != 5 {
			t.Errorf("interim: %v", interim.Attributes)
		}
		if n := a.sessions.(*fakeServer).recorded.Load(); n != 1 {
			t.Errorf("counters were recorded %d times", n)
		}
		if s := a.Stats(); s.Sessions != 0 || s.Sent != 5 || !s.idle() {
			t.Errorf("%+v", s)
		}
	})
}

// TestInterimIsJittered: the sessions of one moment do not report at one moment, and a policy's change
// of the interval applies.
func TestInterimIsJittered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeClient{}
		a := start(t, c, Config{Interim: time.Hour})
		var sessions []pppoe.SessionInfo
		for g := range uint64(100) {
			sessions = append(sessions, open(a, g+1, pppoe.SessionPolicy{InterimInterval: 10 * time.Minute}))
		}
		count := func() (n int) {
			synctest.Wait()
			return len(c.received()) - 101
		}
		time.Sleep(8 * time.Minute)
		if n := count(); n != 0 {
			t.Errorf("%d too early", n)
		}
		time.Sleep(2 * time.Minute)
		if n := count(); n < 20 || n > 80 {
			t.Errorf("%d in the first half", n)
		}
		time.Sleep(2 * time.Minute)
		if n := count(); n < 100 {
			t.Errorf("%d after 12 minutes", n)
		}
		for _, s := range sessions {
			a.Notify(s, pppoe.PolicyChanged{Policy: &pppoe.SessionPolicy{InterimInterval: -1}})
		}
		before := count()
		time.Sleep(time.Hour)
		if n := count(); n != before {
			t.Errorf("%d after interim records were turned off", n-before)
		}
		a.Close(time.Minute)
	})
}

// TestAway: while no server answers, records are stored; then they are sent, those of each session in
// order and one at a time, also after a restart.
func TestAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	synctest.Test(t, func(t *testing.T) {
		c := &fakeClient{delay: 10 * time.Millisecond, away: true}
		a := start(t, c, Config{Spool: path, Parallel: 8})
		var all []pppoe.SessionInfo
		for g := range uint64(50) {
			all = append(all, open(a, g+1, pppoe.SessionPolicy{InterimInterval: time.Minute}))
		}
		time.Sleep(70 * time.Second)
		for _, s := range all[:25] {
			end(a, s)
		}
		time.Sleep(time.Second)
		if s := a.Stats(); !s.Away || s.Spooled < 126 {
			t.Errorf("%+v", s)
		}
		a.Close(time.Second)
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the spool: %v, %v", info, err)
		}
		if len(c.got) != 0 {
			t.Fatalf("received %v", c.received())
		}

		again := &fakeClient{delay: 10 * time.Millisecond}
		a = start(t, again, Config{Spool: path, Parallel: 8})
		s := open(a, 99, pppoe.SessionPolicy{})
		time.Sleep(time.Minute)
		end(a, s)
		if err := a.Close(time.Minute); err != nil {
			t.Fatal(err)
		}
		got := again.received()
		if again.overlap {
			t.Error("two records of a session were sent at a time")
		}
		for g := range uint64(50) {
			var own []string
			for _, r := range got {
				if r[:len(id(0))] == id(g+1) {
					own = append(own, r[len(id(0))+1:])
				}
			}
			want := []string{"Start", "Interim-Update"}
			if g < 25 {
				want = append(want, "Stop")
			}
			if !slices.Equal(own, want) {
				t.Errorf("session %d: %q", g+1, own)
			}
		}
		// The first run's On and Off are before the second's On.
		var nas []string
		for _, r := range got {
			if r[:len(id(0))] == id(0) {
				nas = append(nas, r[len(id(0))+1:])
			}
		}
		if want := []string{"Accounting-On", "Accounting-Off", "Accounting-On", "Accounting-Off"}; !slices.Equal(nas, want) {
			t.Errorf("of the server: %q", nas)
		}
		if delay := rfc2866.AcctDelayTime_Get(again.got[0]); delay < 70 {
			t.Errorf("Acct-Delay-Time is %d", delay)
		}
		if s := a.Stats(); s.Spooled != 0 || s.DroppedStop+s.DroppedStart+s.DroppedInterim != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestServerGoesAway: nothing is lost or out of order while servers come and go.
func TestServerGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeClient{delay: 30 * time.Millisecond}
		a := start(t, c, Config{Spool: filepath.Join(t.TempDir(), "spool"), Parallel: 4, Retry: time.Second})
		var live []pppoe.SessionInfo
		for i := range 400 {
			if live = append(live, open(a, uint64(i+1), pppoe.SessionPolicy{})); i%2 == 0 {
				end(a, live[0])
				live = live[1:]
			}
			if i%50 == 0 {
				c.set(i%100 == 0)
			}
			time.Sleep(20 * time.Millisecond)
		}
		c.set(false)
		for _, s := range live {
			end(a, s)
		}
		a.Close(time.Hour)
		seen := map[string][]string{}
		for _, r := range c.received() {
			seen[r[:len(id(0))]] = append(seen[r[:len(id(0))]], r[len(id(0))+1:])
		}
		for g := range uint64(400) {
			if own := seen[id(g+1)]; !slices.Equal(own, []string{"Start", "Stop"}) {
				t.Errorf("session %d: %q", g+1, own)
			}
		}
		if c.overlap {
			t.Error("two records of a session were sent at a time")
		}
		if s := a.Stats(); !s.idle() || s.Failed == 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestFullSpool: what there is no room for is dropped and counted, interim records first and stop records
// last.
func TestFullSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeClient{away: true}
		a := start(t, c, Config{Spool: filepath.Join(t.TempDir(), "spool"), MaxSpool: 100})
		var all []pppoe.SessionInfo
		for g := range uint64(60) {
			all = append(all, open(a, g+1, pppoe.SessionPolicy{InterimInterval: time.Minute}))
		}
		time.Sleep(10 * time.Minute)
		for _, s := range all[:39] {
			end(a, s)
		}
		time.Sleep(time.Second)
		if s := a.Stats(); s.DroppedInterim < 500 || s.DroppedStart != 0 || s.DroppedStop != 0 || s.Spooled != 100 {
			t.Errorf("%+v", s)
		}
		end(a, all[40])
		time.Sleep(time.Second)
		if s := a.Stats(); s.DroppedStop != 1 {
			t.Errorf("%+v", s)
		}
		a.Close(time.Second)
	})
}

// TestDamagedSpool: a spool that cannot be read is kept under another name.
func TestDamagedSpool(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	if err := os.WriteFile(path, []byte("not a database, and longer than a header"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{Client: &fakeClient{}, NAS: &radius.NAS{}, Spool: path})
	if err != nil {
		t.Fatal(err)
	}
	defer a.spool.close()
	if _, err := os.Stat(path + ".damaged"); err != nil {
		t.Error(err)
	}
	if _, err := New(Config{Client: &fakeClient{}, NAS: &radius.NAS{}, Spool: path}); !errors.Is(err, ErrConfig) {
		t.Errorf("a spool that is in use: %v", err)
	}
}
