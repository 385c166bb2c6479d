package accounting

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// keptParts are what Config.Keep was called with last.
type keptParts struct {
	mu sync.Mutex
	by map[uint64][]byte
}

func (k *keptParts) keep(of uint64, part []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.by == nil {
		k.by = make(map[uint64][]byte)
	}
	k.by[of] = part
}

// now returns a copy, as a program that is killed now leaves it.
func (k *keptParts) now() map[uint64][]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.by)
}

// TestKilledBeforeAnswer: of a session whose start record was sent, and not answered before the program was
// killed, another start record is sent if it is continued, and a stop record if it is not: the first may have
// reached a server. Of one whose start record was answered, no other is sent.
func TestKilledBeforeAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		delay     time.Duration // of the answer; the kill is after a second
		continues bool
		want      []string
	}{
		"answered, continues": {time.Millisecond, true, nil},
		"answered, ends":      {time.Millisecond, false, []string{id(1) + " Stop"}},
		"continues":           {time.Hour, true, []string{id(1) + " Start"}},
		"ends":                {time.Hour, false, []string{id(1) + " Stop"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var kept keptParts
				before := &fakeClient{delay: time.Millisecond}
				killed := start(t, before, Config{Keep: kept.keep})
				time.Sleep(time.Second) // Accounting-On is sent
				before.setDelay(c.delay)
				s := open(killed, 1, pppoe.SessionPolicy{})
				time.Sleep(slowAfter / 2)
				left := kept.now()

				client := &fakeClient{}
				a := start(t, client, Config{Keep: kept.keep, Inherited: func(of uint64) []byte { return left[of] }})
				if c.continues {
					a.Notify(s, pppoe.Adopted{Policy: &pppoe.SessionPolicy{}})
				} else {
					a.NotAdopted(&pppoe.SessionRecord{SessionInfo: s}, left[1], datapath.Counters{}, false)
				}
				time.Sleep(time.Second)
				if got := client.received()[1:]; !slices.Equal(got, c.want) {
					t.Errorf("received %q after Accounting-On, want %q", got, c.want)
				}
				a.Close(0)
				killed.Close(0)
			})
		})
	}
}

// TestKilledWhileServersAreSlow: what has waited for its answer for slowAfter, and what was recorded after it,
// is in the spool of a program that is killed; what was answered is not sent again.
func TestKilledWhileServersAreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fakeClient{delay: time.Millisecond}
		dir := t.TempDir()
		a := start(t, c, Config{Spool: filepath.Join(dir, "spool.db")})
		var all []pppoe.SessionInfo
		for of := range uint64(3) {
			all = append(all, open(a, of+1, pppoe.SessionPolicy{}))
		}
		time.Sleep(time.Second)
		c.setDelay(3 * time.Second)
		end(a, all[0])
		time.Sleep(2 * slowAfter)
		end(a, all[1])
		time.Sleep(slowAfter / 2)

		copied := filepath.Join(dir, "killed.db")
		b, err := os.ReadFile(filepath.Join(dir, "spool.db"))
		if err == nil {
			err = os.WriteFile(copied, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		again := &fakeClient{}
		next := start(t, again, Config{Spool: copied})
		time.Sleep(time.Second)
		want := []string{id(1) + " Stop", id(2) + " Stop", id(0) + " Accounting-On"}
		got := again.received()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("after the kill received %q, want %q", got, want)
		}
		next.Close(time.Minute)

		time.Sleep(time.Minute)
		end(a, all[2])
		a.Close(time.Minute)
		stops := make(map[string]int)
		for _, what := range c.received() {
			stops[what]++
		}
		for of := range uint64(3) {
			if n := stops[id(of+1)+" Stop"]; n != 1 {
				t.Errorf("session %d has %d stop records: %q", of+1, n, c.received())
			}
		}
		if s := a.Stats(); s.Kept() != 0 || s.DroppedStop != 0 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
	})
}
