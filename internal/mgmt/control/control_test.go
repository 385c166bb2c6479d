package control

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/internal/log/linequeue"
)

// fakeHandler records its calls.
type fakeHandler struct{ said chan string }

func (p *fakeHandler) Status() []byte             { return []byte(`{"state":"online"}`) }
func (p *fakeHandler) DroppedEvents(n int) []byte { return fmt.Appendf(nil, `{"missed":%d}`, n) }
func (p *fakeHandler) Stop()                      { p.said <- "stop" }
func (p *fakeHandler) HangUp()                    { p.said <- "hangup" }

func listen(t *testing.T) (dir string, s *Server, p *fakeHandler, log *LogRing) {
	t.Helper()
	dir, p, log = filepath.Join(t.TempDir(), "run"), &fakeHandler{make(chan string, 1)}, NewLogRing()
	s, err := Listen(dir, p, log)
	if err != nil {
		t.Fatal(err)
	}
	return dir, s, p, log
}

// lines passes on what is written to it.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

func TestRequests(t *testing.T) {
	dir, s, p, log := listen(t)
	defer s.Close()
	log.Write([]byte("one\n"))
	log.Write([]byte("two\n"))
	if pids, err := PIDs(dir); err != nil || !slices.Equal(pids, []int{os.Getpid()}) {
		t.Fatalf("programs %v, %v; want this one", pids, err)
	}
	for request, want := range map[string]string{
		"status": `{"state":"online"}` + "\n", "log": "one\ntwo\n", "log 1": "two\n", "log 0": "", "log 3": "one\ntwo\n", "log -1": "one\ntwo\n", "hangup": "", "nonsense": "unknown request \"nonsense\"\n",
		strings.Repeat("x", 100): "",
	} {
		var got bytes.Buffer
		if err := Request(dir, os.Getpid(), request, &got, time.Minute); err != nil || got.String() != want {
			t.Errorf("%s: %q, %v; want %q", request, got.String(), err, want)
		}
	}
	if said := <-p.said; said != "hangup" {
		t.Errorf("the program got %s", said)
	}
	if info, err := os.Stat(filepath.Join(dir, fmt.Sprintf("%d.sock", os.Getpid()))); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v; want access only for its user", info.Mode(), err)
	}
}

func TestEventsAndFollow(t *testing.T) {
	dir, s, _, log := listen(t)
	log.Write([]byte("before\n"))
	events, follow, done := make(lines), make(lines), make(chan error, 2)
	go func() { done <- Request(dir, os.Getpid(), "events", events, 0) }()
	go func() { done <- Request(dir, os.Getpid(), "follow", follow, 0) }()
	if first := <-events; first != `{"state":"online"}`+"\n" {
		t.Errorf("events begin with %q, want the status", first)
	}
	if first := <-follow; first != "before\n" {
		t.Errorf("the log begins with %q", first)
	}
	s.Publish([]byte("{}\n"))
	log.Write([]byte("after\n"))
	if e, l := <-events, <-follow; e != "{}\n" || l != "after\n" {
		t.Errorf("then came %q and %q", e, l)
	}
	s.Close()
	if err := <-done; err != nil {
		t.Errorf("the end of a program is an error: %v", err)
	}
	if pids, _ := PIDs(dir); len(pids) != 0 {
		t.Errorf("programs %v after its end", pids)
	}
}

// TestLastEvent: subscribers get an event that is published just before the end.
func TestLastEvent(t *testing.T) {
	dir, s, _, _ := listen(t)
	events, done := make(lines), make(chan error)
	go func() { done <- Request(dir, os.Getpid(), "events", events, 0) }()
	<-events
	const last = 300
	for range last {
		s.Publish([]byte("{}\n"))
	}
	closed := make(chan struct{})
	go func() { s.Close(); close(closed) }()
	told := 0
	for told < last {
		told += strings.Count(<-events, "\n")
	}
	<-closed
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestSlowReader: a reader of events or the log that does not read for a while delays nobody, and
// gets the number of dropped ones.
func TestSlowReader(t *testing.T) {
	dir, s, _, log := listen(t)
	defer s.Close()
	for request, tell := range map[string]func([]byte){"events": s.Publish, "follow": func(b []byte) { log.Write(b) }} {
		conn, err := net.Dial("unix", filepath.Join(dir, fmt.Sprintf("%d.sock", os.Getpid())))
		if err != nil {
			t.Fatal(err)
		}
		log.Write([]byte("before\n"))
		fmt.Fprintln(conn, request)
		in := bufio.NewReader(conn)
		if _, err := in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		long := []byte(strings.Repeat("x", 1<<16) + "\n")
		const many = 100 // more than the queue and the kernel can hold
		for range many {
			tell(long)
		}
		got, missing := 0, -1
		for missing < 0 {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatalf("%s: after %d lines: %v", request, got, err)
			}
			if line == string(long) {
				got++
				continue
			}
			fmt.Sscanf(strings.TrimPrefix(line, `{"missed":`), "%d", &missing)
		}
		if got+missing != many || missing == 0 {
			t.Errorf("%s: %d lines came, and %d are missing, of %d", request, got, missing, many)
		}
		conn.Close()
	}
}

// TestCloseWithoutReaders: a subscriber that does not read does not delay Close.
func TestCloseWithoutReaders(t *testing.T) {
	dir, s, _, _ := listen(t)
	conn, err := net.Dial("unix", filepath.Join(dir, fmt.Sprintf("%d.sock", os.Getpid())))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, "events")
	if _, err := conn.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	long := []byte(strings.Repeat("x", 1<<20) + "\n")
	for range 3 {
		s.Publish(long)
	}
	start := time.Now()
	s.Close()
	if took := time.Since(start); took > flushTimeout+requestTimeout/2 {
		t.Errorf("the end took %v", took)
	}
}

// TestStop: the request waits until the program has ended.
func TestStop(t *testing.T) {
	dir, s, p, _ := listen(t)
	done := make(chan error)
	go func() { done <- Request(dir, os.Getpid(), "stop", new(bytes.Buffer), 0) }()
	if said := <-p.said; said != "stop" {
		t.Errorf("the program got %s", said)
	}
	select {
	case <-done:
		t.Error("the request stop returns before the program has ended")
	default:
	}
	s.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestStaleSocket: PIDs removes the socket of a program that was killed.
func TestStaleSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "4194303.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if pids, err := PIDs(dir); err != nil || len(pids) != 0 {
		t.Errorf("programs %v, %v", pids, err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestRingIsBounded(t *testing.T) {
	r := NewLogRing()
	line := []byte(strings.Repeat("x", 1<<10-1) + "\n")
	for i := range 2 * maxLog >> 10 {
		r.Write(line)
		if n := len(r.Tail(allLines)); n != min(maxLog, (i+1)<<10) {
			t.Fatalf("after %d lines of %d octets %d are kept", i+1, len(line), n)
		}
	}
	r.Write([]byte("1\n"))
	if n := len(r.Tail(allLines)); n != maxLog-1<<10+2 {
		t.Errorf("%d octets are kept, want the first line gone for the last", n)
	}
	r.Write([]byte(strings.Repeat("x", maxLog) + "\n"))
	if n := len(r.Tail(allLines)); n != maxLog+1 {
		t.Errorf("%d octets are kept of a line that is longer than the ring", n)
	}
	for lines, want := range map[int]string{0: "", 1: "3\n", 2: "2\n3\n"} {
		r.Write([]byte("2\n"))
		r.Write([]byte("3\n"))
		if got := string(r.Tail(lines)); got != want {
			t.Errorf("the last %d are %q, want %q", lines, got, want)
		}
	}
}

// TestRingFlush: followers get everything before the program ends.
func TestRingFlush(t *testing.T) {
	r := NewLogRing()
	var got bytes.Buffer
	q := linequeue.New(func(l linequeue.Line) error { got.Write(l.Text); return nil }, droppedLines)
	r.Write([]byte("1\n"))
	r.Write([]byte("2\n"))
	unfollow := r.Follow(q, 1)
	r.Write([]byte("3\n"))
	r.Flush()
	if got.String() != "2\n3\n" {
		t.Errorf("the follower has %q", &got)
	}
	unfollow()
	r.Write([]byte("4\n"))
	q.Flush(time.Minute)
	if got.String() != "2\n3\n" {
		t.Errorf("after leaving, the follower has %q", &got)
	}
}
