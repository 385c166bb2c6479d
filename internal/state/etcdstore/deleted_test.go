package etcdstore_test

import (
	"fmt"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"upppoe/internal/state"
	"upppoe/internal/state/etcdstore"
	"upppoe/internal/state/etcdstore/etcdtest"
)

// TestDeleted: records that somebody else deletes are written again, once the owner key is there, too; those of
// sessions that have ended are not.
func TestDeleted(t *testing.T) {
	server := etcdtest.Start(t)
	client := server.Dial()
	m := mirror(t, client)
	owner := func() {
		if _, err := client.Put(t.Context(), prefix+"owner", "a"); err != nil {
			t.Fatal(err)
		}
	}
	owner()
	s := etcdstore.New(client, prefix, nil, clientv3.Compare(clientv3.Value(prefix+"owner"), "=", "a"))
	restored := make(chan int, 100)
	s.OnRestored = func(parts int) { restored <- parts }
	go s.Run(t.Context()) // ends with the test
	const sessions = 300
	want := map[string]string{}
	for g := range state.Generation(sessions) {
		s.Put(g, state.Session, fmt.Append(nil, g))
		s.Put(g, state.IPv6, []byte("six"))
		want[fmt.Sprintf("%d.1", g)], want[fmt.Sprintf("%d.3", g)] = fmt.Sprint(g), "six"
	}
	flush(t, s, client, m)
	if _, err := client.Delete(t.Context(), prefix, clientv3.WithPrefix()); err != nil {
		t.Fatal(err)
	}
	s.Delete(0)
	delete(want, "0.1")
	delete(want, "0.3")
	s.Put(1, state.Session, []byte("newer"))
	want["1.1"] = "newer"
	owner()
	for n := 0; n < 2*(sessions-1)-1; { // one is written anyway
		select {
		case more := <-restored:
			n += more
		case <-time.After(time.Minute):
			t.Fatalf("%d parts were written again", n)
		}
	}
	flush(t, s, client, m)
	if got := text(m); got != fmt.Sprint(want) {
		t.Errorf("%s, want %v", got, want)
	}
}
