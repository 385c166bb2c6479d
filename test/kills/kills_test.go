package kills

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/host/undolog"
	"upppoe/internal/state"
	"upppoe/internal/state/sessionlog"
	"upppoe/test/crowd"
)

// kind is what a server is killed in. The function kills it, has a server serve again, and reports whether it
// was in the middle of that.
type kind struct {
	name string
	mode mode
	kill func(*testbed) (during bool)
}

var (
	shared     = mode{"shared device, kernel", "shared", "auto", 120}
	plain      = mode{"shared device, plain", "shared", "plain", 60}
	perSession = mode{"a device each", "per-session", "auto", 24}
)

var kinds = []kind{
	{"set-up", shared, (*testbed).killInSetUp},
	{"set-up", perSession, (*testbed).killInSetUp},
	{"compaction", shared, (*testbed).killInCompaction},
	{"upgrade", shared, (*testbed).killInUpgrade},
	{"upgrade", plain, (*testbed).killInUpgrade},
	{"upgrade", perSession, (*testbed).killInUpgrade},
}

// TestKills: after a kill at any instant, and the next start, every session is up at both ends and carries
// packets, or its client was sent a PADT or Terminate-Request, or has ended it. Nothing is left in the kernel that no session
// has.
func TestKills(t *testing.T) {
	for i, k := range kinds {
		n := (*kills + len(kinds) - 1 - i) / len(kinds)
		t.Run(fmt.Sprintf("%s, %s", k.name, k.mode.name), func(t *testing.T) {
			t.Parallel()
			w := newTestbed(t, k.mode)
			w.start()
			w.crowd.Dial()
			w.check()
			total := outcome{}
			for range n {
				total.add(w.killOnce(k))
				if t.Failed() {
					break
				}
			}
			t.Logf("%d kills: %+v", n, total)
			w.stop()
		})
	}
}

// outcome counts sessions over all kills.
type outcome struct {
	during int // kills that were in the middle of what they were to be in

	kept  int // were up before and after
	fresh int // have begun since
	told  int // were ended by the server
}

func (o *outcome) add(more outcome) {
	o.during, o.kept, o.fresh, o.told = o.during+more.during, o.kept+more.kept, o.fresh+more.fresh, o.told+more.told
}

// killOnce makes some clients dial and others hang up, kills the server meanwhile, and checks all sessions.
func (w *testbed) killOnce(k kind) outcome {
	w.Helper()
	w.flip(1 + w.rand.IntN(w.mode.clients/2))
	during := k.kill(w)
	o := w.check()
	if during {
		o.during = 1
	}
	return o
}

// flip makes n clients dial or hang up: the sessions of these need not go on.
func (w *testbed) flip(n int) {
	w.crowd.Flip(n)
	online := w.crowd.Online()
	maps.DeleteFunc(w.before, func(s crowd.Session, _ bool) bool { return !online[s] })
}

// check waits until nothing changes any more, and checks all sessions. Those that were up before must be up.
func (w *testbed) check() (o outcome) {
	w.Helper()
	w.crowd.Settle()
	var all []session
	w.await("both ends have the same sessions", func() (err error) {
		if all, err = w.sessions(); err != nil {
			return err
		}
		return w.compareEnds(all)
	})
	w.await("the kernel has what the sessions have", func() error { return w.checkKernel(all) })
	if silent := w.crowd.Ping(timeout); len(silent) > 0 {
		w.Errorf("no packet passes through %v", silent)
	}
	online := w.crowd.Online()
	for s := range w.before {
		if !online[s] {
			w.Errorf("%v was up, and is not: %s", s, w.crowd.How(s.MAC))
			continue
		}
		o.kept++
	}
	w.checkAddresses(online)
	for _, what := range w.crowd.Wrong() {
		w.Error(what)
	}
	w.before = online
	o.fresh, o.told = len(online)-o.kept, w.crowd.Told()
	return o
}

// compareEnds returns an error unless server and clients have the same sessions, all of which are online, and
// whose clients have answered an echo of this server.
func (w *testbed) compareEnds(all []session) error {
	have := make(map[crowd.Session]bool)
	for _, s := range all {
		if s.State != "online" || s.RTT == 0 {
			return fmt.Errorf("a session has no answer to an echo, or is not online: %+v", s)
		}
		have[crowd.Session{MAC: s.MAC, ID: s.SessionID, Address: s.IPv4.Remote}] = true
	}
	return compare("sessions of the server", have, w.crowd.Online())
}

func (w *testbed) checkAddresses(online map[crowd.Session]bool) {
	w.Helper()
	owners := make(map[string]crowd.Session)
	for s := range online {
		if other, ok := owners[s.Address]; ok {
			w.Errorf("%v and %v have the same address", s, other)
		}
		owners[s.Address] = s
	}
}

// stop ends the server as operators do: it leaves nothing.
func (w *testbed) stop() {
	w.Helper()
	pids := w.processes()
	for _, pid := range pids {
		unix.Kill(pid, unix.SIGTERM)
	}
	for _, pid := range pids {
		w.await(fmt.Sprintf("process %d ends", pid), func() error { return checkEnded(pid) })
	}
	if err := w.checkNothingLeft(); err != nil {
		w.Error(err)
	}
}

// pause waits for a random time, of any order of magnitude from a 64th of the longest on.
func (w *testbed) pause(most time.Duration) {
	time.Sleep(time.Duration(w.rand.Int64N(int64(most))) >> w.rand.IntN(7))
}

func (w *testbed) killInSetUp() (during bool) {
	w.Helper()
	w.pause(60 * time.Millisecond)
	during = !w.crowd.IsSettled()
	w.kill(w.processes()...)
	w.start()
	return during
}

// killInCompaction kills the server when it writes the file of its sessions anew, or soon before or after: the
// file has so much garbage that a few more records begin it.
func (w *testbed) killInCompaction() (during bool) {
	w.Helper()
	w.kill(w.processes()...)
	w.fillStore()
	w.start()
	w.flip(w.mode.clients / 2)
	for end := time.Now().Add(time.Second); time.Now().Before(end) && !w.isCompacting(); {
		time.Sleep(20 * time.Microsecond)
	}
	w.pause(10 * time.Millisecond)
	w.kill(w.processes()...)
	during = w.isCompacting()
	w.start()
	return during
}

func (w *testbed) store() string { return filepath.Join(w.dir, "sessions.log") }

// isCompacting reports whether there is a new file that has not replaced the old one.
func (w *testbed) isCompacting() bool {
	_, err := os.Stat(w.store() + ".new")
	return err == nil
}

// fillStore gives the file of sessions almost as much garbage as begins its rewrite, 4 MiB.
func (w *testbed) fillStore() {
	w.Helper()
	boot, err := undolog.BootID()
	check(w, err)
	l, err := sessionlog.Open(sessionlog.Config{Path: w.store(), BootID: boot, Program: "test", Log: slog.New(slog.DiscardHandler)})
	check(w, err)
	const enough, most = 4<<20 - 4<<10, 16 << 10
	of := l.Found().Largest + 1
	for missing := enough - l.Stats().Garbage; missing > 0; missing = enough - l.Stats().Garbage {
		l.Put(of, state.Session, make([]byte, min(most, missing)))
		check(w, l.Flush()) // else the end of the session takes the place of its record
		l.Delete(of)
		check(w, l.Flush())
	}
	check(w, l.Close())
}

// killInUpgrade kills the server, its successor, or both, while the one replaces the other.
func (w *testbed) killInUpgrade() (during bool) {
	w.Helper()
	upgrade := w.prepare("upgrade")
	check(w, upgrade.Start())
	w.pause(200 * time.Millisecond)
	pids := w.processes()
	if len(pids) > 1 && w.rand.IntN(3) > 0 {
		one := w.rand.IntN(len(pids))
		pids = pids[one : one+1]
	}
	w.kill(pids...)
	during = upgrade.Wait() != nil
	w.await("a server serves", func() error {
		if len(w.processes()) == 0 {
			w.start()
		}
		_, err := w.sessions()
		return err
	})
	return during
}
