package etcdstore_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"upppoe/internal/state"
	"upppoe/internal/state/etcdstore"
	"upppoe/internal/state/etcdstore/etcdtest"
)

const prefix = "/upppoe/test/"

// run runs a store until the end of the test.
func run(t testing.TB, client *clientv3.Client, written []state.Generation, guard ...clientv3.Cmp) (*etcdstore.Store, <-chan error) {
	s := etcdstore.New(client, prefix, written, guard...)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	// Ends with the test.
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(cancel)
	return s, ended
}

// mirror runs a mirror until the end of the test.
func mirror(t testing.TB, client *clientv3.Client) *etcdstore.Mirror {
	m := etcdstore.NewMirror(client, prefix)
	// Ends with the test.
	go m.Run(t.Context())
	return m
}

// flush waits until everything is written, and read by the mirror.
func flush(t testing.TB, s *etcdstore.Store, client *clientv3.Client, m *etcdstore.Mirror) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	marked, err := client.Put(ctx, prefix+"mark", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Await(ctx, marked.Header.Revision); err != nil {
		t.Fatal(err)
	}
}

func text(l state.Loader) string {
	all := map[string]string{}
	for g, r := range l.Records() {
		for part, value := range r {
			all[fmt.Sprintf("%d.%d", g, part)] = string(value)
		}
	}
	return fmt.Sprint(all)
}

// TestStoreAndMirror: a mirror has what the store was given, also one that begins later, and what
// changes then.
func TestStoreAndMirror(t *testing.T) {
	server := etcdtest.Start(t)
	client := server.Dial()
	early := mirror(t, client)
	s := etcdstore.New(client, prefix, nil)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	// Ends before the next one begins, whose deletions it would take for mistakes.
	go func() { ended <- s.Run(ctx) }()
	for g := range state.Generation(3) {
		s.Put(g, state.Session, fmt.Append(nil, "session ", g))
		s.Put(g, state.IPv6, []byte("six"))
	}
	flush(t, s, client, early)
	s.Delete(1)
	s.Put(2, state.Session, []byte("changed"))
	late := mirror(t, client)
	for _, m := range []*etcdstore.Mirror{early, late} {
		flush(t, s, client, m)
		if got, want := text(m), "map[0.1:session 0 0.3:six 2.1:changed 2.3:six]"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	stop()
	<-ended
	again, _ := run(t, client, late.Generations())
	again.Delete(0)
	flush(t, again, client, late)
	if got, want := text(late), "map[2.1:changed 2.3:six]"; got != want || late.Len() != 1 {
		t.Errorf("%d records, %s, want %s", late.Len(), got, want)
	}
}

// TestMirrorOfPages: more records than a message holds are read.
func TestMirrorOfPages(t *testing.T) {
	server := etcdtest.Start(t)
	client := server.Dial()
	s, _ := run(t, client, nil)
	const sessions = 4500
	for g := range state.Generation(sessions) {
		s.Put(g, state.Session, []byte("open"))
	}
	m := mirror(t, client)
	flush(t, s, client, m)
	if m.Len() != sessions {
		t.Errorf("%d records, want %d", m.Len(), sessions)
	}
}

// TestEtcdAway: what changes while etcd is away is there when it is back, in the mirror too.
func TestEtcdAway(t *testing.T) {
	server := etcdtest.Start(t)
	client := server.Dial()
	m := mirror(t, client)
	s, _ := run(t, client, nil)
	want := map[string]string{}
	for g := range state.Generation(300) {
		s.Put(g, state.Session, []byte("before"))
		want[fmt.Sprintf("%d.1", g)] = "before"
	}
	flush(t, s, client, m)
	server.Kill()
	for g := range state.Generation(200) {
		s.Delete(g)
		delete(want, fmt.Sprintf("%d.1", g))
		s.Put(1000+g, state.Session, []byte("meanwhile"))
		want[fmt.Sprintf("%d.1", 1000+g)] = "meanwhile"
	}
	for s.Stats().Failures == 0 { // the first transaction has to time out, or be refused
		time.Sleep(time.Millisecond)
	}
	if stats := s.Stats(); stats.LastError == nil || stats.Queued != 400 {
		t.Errorf("%d queued, want 400; the error is %v", stats.Queued, stats.LastError)
	}
	server.Restart()
	flush(t, s, client, m)
	if got := text(m); got != fmt.Sprint(want) {
		t.Errorf("%s, want %v", got, want)
	}
	if stats := s.Stats(); stats.LastError != nil || stats.Queued != 0 {
		t.Errorf("%d queued; the error is %v", stats.Queued, stats.LastError)
	}
}

// TestGuard: nothing is written once another owns the records.
func TestGuard(t *testing.T) {
	server := etcdtest.Start(t)
	client := server.Dial()
	m := mirror(t, client)
	if _, err := client.Put(t.Context(), prefix+"owner", "a"); err != nil {
		t.Fatal(err)
	}
	s, ended := run(t, client, nil, clientv3.Compare(clientv3.Value(prefix+"owner"), "=", "a"))
	s.Put(1, state.Session, []byte("mine"))
	flush(t, s, client, m)
	if _, err := client.Put(t.Context(), prefix+"owner", "b"); err != nil {
		t.Fatal(err)
	}
	s.Put(1, state.Session, []byte("still mine"))
	s.Delete(1)
	if err := <-ended; !errors.Is(err, etcdstore.ErrNotOwner) {
		t.Errorf("ended with %v", err)
	}
	flush(t, etcdstore.New(client, prefix, nil), client, m)
	if got, want := text(m), "map[1.1:mine]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestConfigCheck: the error says what is missing.
func TestConfigCheck(t *testing.T) {
	password := func() (string, error) { return "p", nil }
	plain, secure := []string{"192.0.2.5:2379"}, []string{"https://192.0.2.5:2379"}
	for want, cases := range map[error][]etcdstore.Config{
		nil:                      {{Endpoints: plain}, {Endpoints: secure, User: "u", Password: password}, {Endpoints: []string{"unix:///run/etcd"}, User: "u", Password: password}},
		etcdstore.ErrNoEndpoints: {{}},
		etcdstore.ErrCertificate: {{Endpoints: secure, CertFile: "c"}, {Endpoints: secure, KeyFile: "k"}},
		etcdstore.ErrPassword:    {{Endpoints: secure, User: "u"}},
		etcdstore.ErrPlain:       {{Endpoints: plain, User: "u", Password: password}, {Endpoints: plain, CAFile: "c"}},
	} {
		for _, c := range cases {
			if err := c.Check(); !errors.Is(err, want) {
				t.Errorf("%+v: %v, want %v", c.Endpoints, err, want)
			}
		}
	}
}

// BenchmarkStore measures records of 600 octets a second, as sessions open.
func BenchmarkStore(b *testing.B) {
	server := etcdtest.Start(b)
	client := server.Dial()
	s, _ := run(b, client, nil)
	value := make([]byte, 600)
	b.ResetTimer()
	for g := range b.N {
		s.Put(state.Generation(g), state.Session, value)
		for g%1000 == 999 && s.Stats().Queued > 4000 {
			time.Sleep(time.Millisecond)
		}
	}
	if err := s.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(s.Stats().Operations)/float64(s.Stats().Transactions), "records/txn")
}

// BenchmarkMirror measures how long a standby reads 5,000 records.
func BenchmarkMirror(b *testing.B) {
	server := etcdtest.Start(b)
	client := server.Dial()
	s, _ := run(b, client, nil)
	for g := range state.Generation(5000) {
		s.Put(g, state.Session, make([]byte, 600))
	}
	if err := s.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m := etcdstore.NewMirror(client, prefix)
		ctx, cancel := context.WithCancel(b.Context())
		go m.Run(ctx) // ends with the iteration
		if err := m.Await(ctx, 1); err != nil {
			b.Fatal(err)
		}
		cancel()
		if n := len(maps.Collect(m.Records())); n != 5000 {
			b.Fatalf("%d records", n)
		}
	}
}
