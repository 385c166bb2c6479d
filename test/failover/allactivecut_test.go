package failover

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"upppoe/internal/cluster/allactive"
)

// blocks returns how many blocks of the pool of IPv4 addresses a server has, and all have.
func (w *testbed) blocks(s *server) (own, leased int) {
	w.t.Helper()
	out, err := w.command(s, "status")
	found := regexp.MustCompile(`pool gold +ipv4, .*: (\d+) are leased, (\d+) by this machine`).FindStringSubmatch(out)
	if err != nil || found == nil {
		w.t.Fatalf("%v: %s", err, out)
	}
	leased, _ = strconv.Atoi(found[1])
	own, _ = strconv.Atoi(found[2])
	return own, leased
}

// awaitClosed waits until a server's log says that sessions have ended, and returns the time of the last one.
func (w *testbed) awaitClosed(s *server, numbers ...int) (last time.Time) {
	w.t.Helper()
	for _, n := range numbers {
		line := fmt.Sprintf(`(?m)^(\S+ \S+) .*Session %d closed`, n)
		check(w.t, s.program.Await(line))
		at, err := time.ParseInLocation("2006-01-02 15:04:05.000", regexp.MustCompile(line).FindStringSubmatch(s.program.Log())[1], time.Local)
		check(w.t, err)
		if at.After(last) {
			last = at
		}
	}
	return last
}

// TestAllActiveCutOff: a server that alone cannot reach etcd goes on with its sessions, and others begin; hold less two
// guards later it ends them and answers no PADI, before another can lease its blocks. When it is back, it serves again.
func TestAllActiveCutOff(t *testing.T) {
	const hold, guard, rounding = 10 * time.Second, time.Second, 500 * time.Millisecond
	w := newTestbed(t, 64, "auto")
	a, b := w.serveBoth("0", append(ownNames, "block-size = 16", "block-size = 16\nhold = \"10s\"")...)
	c := w.callers()
	c.dialAt(a, "alice", mac(1))
	c.dialAt(b, "bob", mac(2))
	w.awaitClients(mac(1), mac(2))
	const own, leased = allactive.DefaultSpare + 1, 2 * (allactive.DefaultSpare + 1) // the first session is in one
	w.await("the blocks in advance are leased", func() bool {
		ownA, _ := w.blocks(a)
		ownB, all := w.blocks(b)
		return ownA == own && ownB == own && all == leased
	})
	w.ip("link", "set", "ea", "down")
	cut := time.Now()
	w.await("etcd away", func() bool { return w.state(a).Etcd == "away" })
	// What is left is counted from the last renewal, which may have been a while before.
	asked := time.Now()
	left := time.Duration(w.state(a).Left * float64(time.Second))
	answered := time.Now()
	if left > hold-2*guard-asked.Sub(cut)+rounding || left < time.Second {
		t.Errorf("after %v without etcd, sessions end in %v, want hold less two guards in all: %v", asked.Sub(cut), left, hold-2*guard)
	}
	c.dialAt(a, "carol", mac(3))
	w.awaitClients(mac(1), mac(2), mac(3))
	w.await("the sessions of the server without etcd have ended", func() bool {
		_, now := w.blocks(b)
		serves := len(w.addresses(a)) > 0
		if serves && now != leased {
			t.Errorf("%d blocks are leased while the sessions last, and %d were", now, leased)
		}
		return !serves
	})
	w.awaitClients(mac(2))
	ended := w.awaitClosed(a, 1, 2)
	t.Logf("sessions ended after %v", ended.Sub(cut))
	if ended.Before(asked.Add(left-rounding)) || ended.After(answered.Add(left+rounding+guard)) {
		t.Errorf("sessions ended %v after they were to end in %v", ended.Sub(asked), left)
	}
	p := c.dialAt(a, "dave", mac(4))
	w.await("the blocks are free", func() bool { _, now := w.blocks(b); return now == leased-own })
	if took := time.Since(asked); took < left-rounding+2*guard {
		t.Errorf("the blocks are free %v after sessions were to end in %v", took, left)
	}
	if n := a.count(`Session 3`); n > 0 && len(w.addresses(a)) > 0 {
		t.Error("a server without blocks has a session")
	}
	p.Kill()
	w.ip("link", "set", "ea", "up")
	w.await("etcd back", func() bool { return w.state(a).Etcd == "connected" })
	c.dialAt(a, "erin", mac(5))
	w.awaitClients(mac(2), mac(5))
}
