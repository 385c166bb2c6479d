package failover

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/test/crowd"
	"upppoe/test/lab/labtest"
)

var (
	kills = flag.Int("kills", 3, "TestKills: `NUMBER` of kills")
	seed  = flag.Uint64("seed", 0, "TestKills: `SEED` of the random instants; 0: another one each time")
)

// killer kills the active server of two again and again, while clients dial and hang up.
type killer struct {
	*testbed
	rand          *rand.Rand
	crowd         *crowd.Crowd
	active, other *server
	before        map[crowd.Session]bool // that were up at the last check, and have not hung up since
	kept, told    int
}

const clients = 120

// newKiller starts both servers, and clients that are online.
func newKiller(t *testing.T, clients int, random *rand.Rand) *killer {
	t.Helper()
	w := newTestbed(t, clients, *datapath)
	k := &killer{testbed: w, rand: random, active: w.servers["a"], other: w.servers["b"]}
	w.start(k.active)
	w.awaitActive(k.active, 1)
	w.start(k.other)
	in := labtest.Namespace(t)
	w.plug(in, "eth0", "load", "br0")
	k.crowd = crowd.Start(t, in, clients, random)
	k.crowd.Dial()
	k.check()
	return k
}

// TestKills: whenever the active server is killed, in set-up or while it takes over from the last one, the other
// has every session that is up, and the clients of the rest were sent a PADT or Terminate-Request. No address is given twice.
func TestKills(t *testing.T) {
	is := *seed
	if is == 0 {
		is = rand.Uint64()
	}
	t.Logf("-seed %d", is)
	k := newKiller(t, clients, rand.New(rand.NewPCG(is, 0)))
	for n := 0; n < *kills && !t.Failed(); {
		n += k.killOnce()
	}
	t.Logf("%d sessions were kept, and %d clients were sent a PADT or Terminate-Request", k.kept, k.told)
}

// killOnce kills the active server at a random instant, sometimes the next one, too, and returns how many.
func (k *killer) killOnce() (n int) {
	k.t.Helper()
	k.flip()
	k.pause(60 * time.Millisecond)
	k.failOver()
	if n = 1; k.rand.IntN(3) == 0 {
		k.pause(200 * time.Millisecond)
		k.failOver()
		n++
	}
	k.awaitActive(k.active, 1)
	k.check()
	return n
}

// isActive is what the log of an active server has.
const isActive = "is active, with"

// failOver kills the active server, starts it again, and waits until one of both is active, mostly the other.
func (k *killer) failOver() {
	k.t.Helper()
	check(k.t, unix.Kill(k.active.program.PID(), unix.SIGKILL))
	k.active.program.Wait()
	k.start(k.active)
	k.active, k.other = k.other, k.active
	k.findActive()
}

// isActiveNow reports whether a server is active: one that was may have lost its lease, as on a machine that is busy.
func (w *testbed) isActiveNow(s *server) bool {
	out, err := w.command(s, "status", "--json")
	var is struct{ Cluster *struct{ Role string } }
	return err == nil && json.Unmarshal([]byte(out), &is) == nil && is.Cluster != nil && is.Cluster.Role == servercontrol.Active
}

// findActive waits until one of both servers is active.
func (k *killer) findActive() {
	k.t.Helper()
	// Usually the log tells at once: the machine is to be killed while it takes over, too.
	is := func() bool {
		return k.active.count(isActive) > 0 && (k.other.count(isActive) == 0 || k.isActiveNow(k.active))
	}
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		k.active, k.other = k.other, k.active
		if time.Now().After(end) {
			k.t.Fatal("no machine becomes active")
		}
	}
}

// flip makes some clients dial or hang up: the sessions of these need not go on.
func (k *killer) flip() {
	k.crowd.Flip(1 + k.rand.IntN(clients/2))
	online := k.crowd.Online()
	maps.DeleteFunc(k.before, func(s crowd.Session, _ bool) bool { return !online[s] })
}

// pause waits for a random time, of any order of magnitude from a 64th of the longest on.
func (k *killer) pause(most time.Duration) {
	time.Sleep(time.Duration(k.rand.Int64N(int64(most))) >> k.rand.IntN(7))
}

// check waits until nothing changes any more, and checks all sessions.
func (k *killer) check() {
	t := k.t
	t.Helper()
	k.crowd.Settle()
	k.awaitBothEnds()
	if silent := k.crowd.Ping(30 * time.Second); len(silent) > 0 {
		t.Errorf("no packet passes through %v", silent)
	}
	k.awaitWritten(k.active)
	online := k.crowd.Online()
	for s := range k.before {
		if !online[s] {
			t.Errorf("%v was up, and is not: %s", s, k.crowd.How(s.MAC))
			continue
		}
		k.kept++
	}
	addresses := make(map[string]crowd.Session)
	for s := range online {
		if other, ok := addresses[s.Address]; ok {
			t.Errorf("%v and %v have the same address", s, other)
		}
		addresses[s.Address] = s
	}
	for _, what := range k.crowd.Wrong() {
		t.Error(what)
	}
	k.told += k.crowd.Told()
	k.before = online
}

// awaitBothEnds waits until server and clients have the same sessions, whose clients have answered an echo.
func (k *killer) awaitBothEnds() {
	k.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		err := k.compareEnds()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			k.t.Fatal(err)
		}
	}
}

func (k *killer) compareEnds() error {
	k.t.Helper()
	k.findActive()
	out, err := k.command(k.active, "sessions", "--json")
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	var rows []struct {
		SessionID uint16 `json:"session_id"`
		MAC       string
		State     string
		RTT       float64 `json:"rtt_ms"`
		IPv4      struct{ Remote string }
	}
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	have, want := make(map[crowd.Session]bool), k.crowd.Online()
	for _, s := range rows {
		is := crowd.Session{MAC: s.MAC, ID: s.SessionID, Address: s.IPv4.Remote}
		if have[is] = true; !want[is] || s.State != "online" || s.RTT == 0 {
			return fmt.Errorf("the server has %+v, and the client: %v", s, want[is])
		}
	}
	for s := range want {
		if !have[s] {
			return fmt.Errorf("the server does not have %v", s)
		}
	}
	return nil
}
