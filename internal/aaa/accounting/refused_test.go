package accounting

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"layeh.com/radius/rfc2866"

	"upppoe/pppoe"
)

// TestRefusedRecords: a record that no server answers does not hold up those of other sessions, and is
// dropped.
func TestRefusedRecords(t *testing.T) {
	for _, spool := range []string{"", filepath.Join(t.TempDir(), "spool")} {
		synctest.Test(t, func(t *testing.T) {
			c := &fakeClient{delay: time.Millisecond, refuse: func(session string, _ rfc2866.AcctStatusType) bool { return session == id(7) }}
			a := start(t, c, Config{Spool: spool, Parallel: 8})
			var all []pppoe.SessionInfo
			for g := range uint64(50) {
				all = append(all, open(a, g+1, pppoe.SessionPolicy{}))
			}
			for range 60 {
				s := all[0]
				all = append(all[1:], open(a, s.Generation+50, pppoe.SessionPolicy{}))
				end(a, s)
				time.Sleep(10 * time.Second)
			}
			checkRefused(t, a, c, 110)
		})
	}
}

// TestRefusedAfterAway: the servers refuse what they are tested with when they are back: several records,
// and Accounting-On.
func TestRefusedAfterAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeClient{delay: time.Millisecond, away: true, refuse: func(session string, k rfc2866.AcctStatusType) bool {
			return session < id(20) && session != id(0) || k == rfc2866.AcctStatusType_Value_AccountingOn
		}}
		a := start(t, c, Config{Parallel: 8})
		for g := range uint64(60) {
			end(a, open(a, g+1, pppoe.SessionPolicy{}))
		}
		time.Sleep(time.Minute)
		c.set(false)
		time.Sleep(2 * time.Hour)
		if s := a.Stats(); s.DroppedStart != 19 || s.DroppedStop != 20 { // Accounting-On is counted with stop records
			t.Errorf("%+v", s)
		}
		checkRefused(t, a, c, 60)
	})
}

// checkRefused checks that each session that is not refused has its records in order.
func checkRefused(t *testing.T, a *Accounting, c *fakeClient, sessions uint64) {
	t.Helper()
	if s := a.Stats(); !s.idle() || s.Away {
		t.Errorf("%+v", s)
	}
	a.Close(time.Minute)
	got := c.received()
	for g := range sessions {
		if c.refuse(id(g+1), 0) {
			continue
		}
		own := slices.DeleteFunc(slices.Clone(got), func(r string) bool { return !strings.HasPrefix(r, id(g+1)+" ") })
		if len(own) == 0 || own[0] != id(g+1)+" Start" || len(own) > 1 && own[1] != id(g+1)+" Stop" || len(own) > 2 {
			t.Errorf("session %d: %q", g+1, own)
		}
	}
	if c.overlap {
		t.Error("two records of a session were sent at a time")
	}
}
