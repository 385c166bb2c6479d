package failover

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"upppoe/test/freeradius"
)

// record is a record of accounting.
type record = map[string]string

// records returns the records of a client's sessions, by their Acct-Session-Id, in the order in which they arrived.
func records(t testing.TB, f *freeradius.Server, user string) (all map[string][]record) {
	t.Helper()
	all = make(map[string][]record)
	for _, r := range f.Accounting(t) {
		if r["User-Name"] == user {
			id := r["Acct-Session-Id"]
			all[id] = append(all[id], r)
		}
	}
	return all
}

// kinds counts the records of a user by their type.
func kinds(t testing.TB, f *freeradius.Server, user string) map[string]int {
	t.Helper()
	n := make(map[string]int)
	for _, of := range records(t, f, user) {
		for _, r := range of {
			n[r["Acct-Status-Type"]]++
		}
	}
	return n
}

// checkRecords checks that each of a user's sessions has one Start, the first, and as many Stops as wanted, the last,
// and that octets and times do not decrease.
func checkRecords(t testing.TB, f *freeradius.Server, user string, sessions, stops int) {
	t.Helper()
	all := records(t, f, user)
	is := kinds(t, f, user)
	if len(all) != sessions || is["Start"] != sessions || is["Stop"] != stops {
		t.Errorf("%s: %d sessions, records %v, want %d sessions, %d stopped", user, len(all), is, sessions, stops)
	}
	for id, of := range all {
		before := make(map[string]int)
		for i, r := range of {
			if kind := r["Acct-Status-Type"]; (kind == "Start") != (i == 0) || kind == "Stop" && i != len(of)-1 {
				t.Errorf("%s, session %s: record %d of %d is %s", user, id, i+1, len(of), kind)
			}
			for _, name := range []string{"Acct-Input-Octets", "Acct-Output-Octets", "Acct-Input-Packets", "Acct-Output-Packets", "Acct-Session-Time"} {
				n, _ := strconv.Atoi(r[name])
				if n < before[name] {
					t.Errorf("%s, session %s: %s is %d after %d", user, id, name, n, before[name])
				}
				before[name] = n
			}
		}
	}
}

// total returns the sum of an attribute of the last records of a user's sessions.
func total(t testing.TB, f *freeradius.Server, user, name string) (sum int) {
	t.Helper()
	for _, of := range records(t, f, user) {
		n, _ := strconv.Atoi(of[len(of)-1][name])
		sum += n
	}
	return sum
}

// ping sends echo requests through a client's session, all of which must be answered, and returns the octets of the
// requests as accounting counts them: without the headers of PPP and Ethernet.
func (w *testbed) ping(n int) (octets int) {
	w.t.Helper()
	const data, headers = 500, 20 + 8
	out, err := w.client.Run("ping", "-n", "-q", "-s", fmt.Sprint(data), "-c", fmt.Sprint(n), "-i", "0.01", "192.0.2.1")
	if err != nil || !strings.Contains(out, fmt.Sprintf(" %d received", n)) {
		w.t.Fatalf("%v: %s", err, out)
	}
	return n * (data + headers)
}

// TestAccountingAway: while etcd is away, the records of all-active servers go on, for a session that was there and one
// that begins and ends meanwhile: one Start, Interims and one Stop each, with all octets, also when etcd is back.
func TestAccountingAway(t *testing.T) {
	w := newTestbed(t, 64, "auto")
	w.configureBoth("0", append(ownNames, `duplicate = "replace"`, `duplicate = "allow"`)...)
	f := w.addRADIUS("DEFAULT Cleartext-Password := secret\n")
	a, b := w.servers["a"], w.servers["b"]
	w.serve(a)
	w.serve(b)
	w.testAccountingAway(f, func() {
		w.etcdAway(a)
		w.await("etcd away", func() bool { return w.state(b).Etcd == "away" })
	}, func() {
		w.launchEtcd("http")
		w.await("etcd back", func() bool {
			return w.state(a).Etcd == "connected" && w.state(b).Etcd == "connected" && w.state(a).Pending+w.state(b).Pending == 0
		})
	}, func() {
		a.program.Stop()
		b.program.Stop()
	})
}

func (w *testbed) testAccountingAway(f *freeradius.Server, away, back, end func()) {
	t := w.t
	w.dial()
	sent := w.ping(20)
	away()
	began := maps.Clone(kinds(t, f, "alice"))
	sent += w.ping(20)
	w.await("an Interim while etcd is away", func() bool { return kinds(t, f, "alice")["Interim-Update"] >= began["Interim-Update"]+2 })
	p := w.callers().dial(1, "bob", "02:4c:00:00:00:00")
	w.await("the Start of bob", func() bool { return kinds(t, f, "bob")["Start"] == 1 })
	w.await("an Interim of bob", func() bool { return kinds(t, f, "bob")["Interim-Update"] >= 1 })
	p.Stop()
	w.await("the Stop of bob", func() bool { return kinds(t, f, "bob")["Stop"] == 1 })
	back()
	sent += w.ping(20)
	end()
	w.await("the Stop of alice", func() bool { return kinds(t, f, "alice")["Stop"] == 1 })
	checkRecords(t, f, "alice", 1, 1)
	checkRecords(t, f, "bob", 1, 1)
	if in := total(t, f, "alice", "Acct-Input-Octets"); in < sent || in > sent+sent/10 {
		t.Errorf("alice has sent %d octets and little else, and accounting has %d", sent, in)
	}
}
