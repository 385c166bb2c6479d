package accounting

import (
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
)

// TestSuspend: what was not sent when a program was suspended is sent by its successor, in order, or by itself
// if it is resumed; and what is recorded meanwhile is not lost.
func TestSuspend(t *testing.T) {
	for _, resumes := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := &fakeClient{away: true}
			spool := filepath.Join(t.TempDir(), "spool.db")
			a := start(t, c, Config{Spool: spool})
			s := open(a, 1, pppoe.SessionPolicy{})
			time.Sleep(time.Second)
			if err := a.Suspend(); err != nil {
				t.Fatal(err)
			}
			c.set(false)
			want := []string{id(0) + " Accounting-On", id(1) + " Start"}
			if resumes {
				end(a, s)
				if err := a.Resume(); err != nil {
					t.Fatal(err)
				}
				want = append(want, id(1)+" Stop")
			} else {
				a = start(t, c, Config{Spool: spool})
				want = append(want, id(0)+" Accounting-On")
			}
			time.Sleep(time.Hour)
			if got := c.received(); !slices.Equal(got, want) {
				t.Errorf("resumes %v: received %q, want %q", resumes, got, want)
			}
			if err := a.Close(time.Minute); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestResumeWithoutSpool: a spool that another program has is an error, and records are sent all the same.
func TestResumeWithoutSpool(t *testing.T) {
	c := &fakeClient{}
	spool := filepath.Join(t.TempDir(), "spool.db")
	a := start(t, c, Config{Spool: spool})
	if err := a.Suspend(); err != nil {
		t.Fatal(err)
	}
	other, err := New(Config{Client: c, NAS: a.cfg.NAS, Spool: spool})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Resume(); err == nil {
		t.Error("two programs have one spool")
	}
	end(a, open(a, 1, pppoe.SessionPolicy{}))
	if err := a.Close(time.Minute); err != nil {
		t.Error(err)
	}
	if got := c.received(); !slices.Contains(got, id(1)+" Stop") {
		t.Errorf("received %q", got)
	}
	if err := other.Close(0); err != nil {
		t.Error(err)
	}
}
