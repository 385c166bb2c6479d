package web

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

const patience = 30 * time.Second

// message is a server-sent event.
type message struct{ kind, data string }

// messages reads a stream of events until the test ends.
func messages(t *testing.T, url string, headers ...string) <-chan message {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%v: %+v", err, answer)
	}
	all := make(chan message, 10000)
	// Ends with the stream.
	go func() {
		defer close(all)
		defer answer.Body.Close()
		kind := ""
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if k, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				kind = k
			} else if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				all <- message{kind, data}
			}
		}
	}()
	return all
}

// next returns the data of the next message of a kind.
func next(t *testing.T, from <-chan message, kind string) string {
	t.Helper()
	for late := time.After(patience); ; {
		select {
		case m, ok := <-from:
			if !ok {
				t.Fatalf("the stream has ended without %s", kind)
			}
			if m.kind == kind {
				return m.data
			}
		case <-late:
			t.Fatalf("no %s within %v", kind, patience)
		}
	}
}

// TestStream: an overview, events as they happen, and a session with its rates until it ends.
func TestStream(t *testing.T) {
	server := newSessions(3)
	s, base, _ := serve(t, Config{Control: true}, "", server)
	stream := messages(t, base+"/api/events?id=2")
	o := decode[Overview](t, next(t, stream, "overview"))
	if o.Status.ACName != "isp-ac" || o.Status.Online != 3 || o.CSRF != "" || !o.Control || len(o.Interfaces) != 2 || o.Interfaces[0].Queue == nil || o.Interfaces[1].Queue != nil || len(o.Pools) != 1 {
		t.Errorf("the overview is %+v", o)
	}
	s.Notify(server.all[0].SessionInfo, session.AuthFailed{Method: chap.MD5, Name: "<img src=x onerror=alert(1)>\n\nevent: session\ndata: {}"})
	e := decode[servercontrol.Event](t, next(t, stream, "happened"))
	if e.Event.Event != "auth-failed" || e.ID != 1 || !strings.HasPrefix(e.Text, "<img src=x onerror=alert(1)>\\012\\012event:") {
		t.Errorf("the event is %+v", e)
	}
	s.Notify(server.all[0].SessionInfo, session.LinkUp{}) // of no interest
	for range 2 {
		now := decode[SessionNow](t, next(t, stream, "session"))
		if now.ID != 2 || now.Title != "user2@example.net" || now.State != "online" || len(now.Details) < 5 {
			t.Errorf("the session is %+v", now)
		}
		if now.BitsDown != nil && *now.BitsDown == 0 {
			t.Error("no rate")
		}
	}
	server.Disconnect(server.all[1].Key(), 0, session.Reason{})
	for now := (SessionNow{}); !now.Ended; {
		now = decode[SessionNow](t, next(t, stream, "session"))
	}
}

// TestPastEvents: who comes later gets the last events, the oldest first, and not more than the page shows.
func TestPastEvents(t *testing.T) {
	server := newSessions(2)
	s, base, _ := serve(t, Config{}, "", server)
	for i := range maxPast + 5 {
		s.Notify(server.all[i%2].SessionInfo, session.EchoTimeout{Requests: i})
	}
	s.Notify(server.all[0].SessionInfo, session.LinkUp{}) // of no interest
	stream := messages(t, base+"/api/events")
	past := decode[[]servercontrol.Event](t, next(t, stream, "past"))
	if len(past) != maxPast || past[0].Requests != 5 || past[maxPast-1].Requests != maxPast+4 || past[0].User != "user2@example.net" {
		t.Errorf("%d events, from %+v to %+v", len(past), past[0], past[len(past)-1])
	}
	s.Notify(server.all[0].SessionInfo, session.EchoTimeout{Requests: 7777})
	if e := decode[servercontrol.Event](t, next(t, stream, "happened")); e.Requests != 7777 {
		t.Errorf("the next is %+v", e)
	}
	_, base, _ = serve(t, Config{}, "", server)
	if text := next(t, messages(t, base+"/api/events"), "past"); text != "[]" {
		t.Errorf("of no events: %s", text)
	}
}

// TestManyEvents: a reader that is too slow for all events gets the first of them and how many are missing,
// and holds up nobody.
func TestManyEvents(t *testing.T) {
	server := newSessions(1)
	s, base, _ := serve(t, Config{}, "", server)
	stream := messages(t, base+"/api/events")
	next(t, stream, "overview")
	const n = 20_000
	began := time.Now()
	for range n {
		s.Notify(server.all[0].SessionInfo, session.EchoTimeout{Requests: 3})
	}
	t.Logf("%d events in %v", n, time.Since(began))
	got := 0
	for got < n {
		e := decode[servercontrol.Event](t, next(t, stream, "happened"))
		if got += e.Missed; e.Missed == 0 {
			got++
		}
	}
	if got != n {
		t.Errorf("%d events were sent or are missing, want %d", got, n)
	}
}

// TestSlowReader: a reader that does not read is disconnected, and what waits for it is bounded.
func TestSlowReader(t *testing.T) {
	server := newSessions(1)
	s, _, _ := serve(t, Config{}, "", server, func(s *Server) { s.slow = 100 * time.Millisecond })
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.(*net.TCPConn).SetReadBuffer(4096) // otherwise the kernel reads for it
	fmt.Fprint(conn, "GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	await(t, "it watches", func() bool { return s.events.count() == 1 })
	who := server.all[0].SessionInfo
	who.User = strings.Repeat("x", 64<<10)
	await(t, "it is disconnected", func() bool {
		s.Notify(who, pppoe.SessionEstablished{})
		return s.events.count() == 0
	})
}

// TestStreams: more streams than there may be are refused, and those that end leave room.
func TestStreams(t *testing.T) {
	s, base, _ := serve(t, Config{}, "", newSessions(1))
	for range maxStreams {
		next(t, messages(t, base+"/api/events"), "overview")
	}
	if answer, text := request(t, "GET", base+"/api/events", ""); answer.StatusCode != 503 || !strings.Contains(text, "16 pages") {
		t.Errorf("one more: %d %s", answer.StatusCode, text)
	}
	if answer, _ := request(t, "GET", base+"/api/events?id=x", ""); answer.StatusCode != 400 {
		t.Errorf("an ID that is no number: %d", answer.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
	if n := s.events.count(); n != maxStreams {
		t.Errorf("%d watch", n)
	}
	s.Close()
	await(t, "all streams end", func() bool { return s.events.count() == 0 && s.streams.Load() == 0 })
}

// count returns how many watch.
func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watchers)
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for until := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// TestLoginEnds: a stream ends when its login does.
func TestLoginEnds(t *testing.T) {
	s, base, _ := serve(t, Config{}, testToken, newSessions(1))
	stream := messages(t, base+"/api/events", "Authorization", "Bearer "+testToken)
	next(t, stream, "overview")
	s.SetSecrets(Secrets{Token: []byte("another token, as long")})
	for late := time.After(patience); ; {
		select {
		case _, ok := <-stream:
			if !ok {
				return
			}
		case <-late:
			t.Fatal("the stream goes on")
		}
	}
}

// TestSuccessor: a successor goes on with the socket; a reader's connection ends, and its next one is the
// successor's.
func TestSuccessor(t *testing.T) {
	s, base, _ := serve(t, Config{}, testToken, newSessions(1))
	login := newToken([]byte(testToken)).cookie(time.Now().Add(time.Hour))
	stream := messages(t, base+"/api/events", "Cookie", s.cookieName()+"="+login)
	next(t, stream, "overview")
	f, err := s.Listener()
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Listen: s.Addr().String()}
	s.Close()
	waiting, err := net.Dial("tcp", s.Addr().String()) // between the two
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	after, err := Open(c, Secrets{Token: []byte(testToken)}, f, s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	after.Start(&servercontrol.Program{Server: newSessions(5), Pools: func() []servercontrol.Pool { return nil }})
	fmt.Fprintf(waiting, "GET /api/overview HTTP/1.0\r\nHost: localhost\r\nCookie: %s=%s\r\n\r\n", after.cookieName(), login)
	answer, err := http.ReadResponse(bufio.NewReader(waiting), nil)
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("%v, %+v", err, answer)
	}
	answer.Body.Close()
}

// TestInherited: a listener of another address is not used.
func TestInherited(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(Config{Listen: "127.0.0.2:0"}, Secrets{}, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Addr().String() == l.Addr().String() {
		t.Error("the page is on another address than its own")
	}
	if _, err := f.Stat(); err == nil {
		t.Error("the other socket is still open")
	}
}

// BenchmarkSessions: a page of 20,000 sessions, which are read again when they are a second old.
func BenchmarkSessions(b *testing.B) {
	for _, again := range []bool{false, true} {
		b.Run(fmt.Sprintf("read=%v", again), func(b *testing.B) {
			var table sessionTable
			table.init(&servercontrol.Program{Server: newSessions(20_000)})
			by := must(parseTableQuery(map[string][]string{"sort": {"user"}, "q": {"example"}}))
			for b.Loop() {
				if again && table.last != nil {
					table.last.At = time.Time{}
				}
				if _, err := table.read(by); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
