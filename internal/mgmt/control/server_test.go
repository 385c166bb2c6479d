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
)

// TestRequestLength: a request has at most 4096 octets, newline included.
func TestRequestLength(t *testing.T) {
	dir, s, _, _ := listen(t)
	defer s.Close()
	for length, want := range map[int]string{4095: fmt.Sprintf("unknown request %q\n", strings.Repeat("x", 4095)), 4096: ""} {
		var got bytes.Buffer
		if err := Request(dir, os.Getpid(), strings.Repeat("x", length), &got, time.Minute); err != nil || got.String() != want {
			t.Errorf("%d octets: %q, %v; want %q", length, &got, err, want)
		}
	}
}

// TestListenAgain: a socket left by a program with our process ID is replaced, and removed with
// the server; a directory that cannot be created is an error.
func TestListenAgain(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, fmt.Sprintf("%d.sock", os.Getpid()))
	socket(t, path, false)
	s, err := ListenClient(dir, &fakeHandler{make(chan string, 1)}, NewLogRing())
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := Request(dir, os.Getpid(), "status", &got, time.Minute); err != nil || got.String() != `{"state":"online"}`+"\n" {
		t.Errorf("%q, %v", &got, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("after the end the socket is there: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ListenClient(filepath.Join(path, "in a file"), nil, NewLogRing()); err == nil {
		t.Error("a directory within a file")
	}
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
		strings.Repeat("x", 5000): "",
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
	received := 0
	for received < last {
		received += strings.Count(<-events, "\n")
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
	for request, send := range map[string]func([]byte){"events": s.Publish, "follow": func(b []byte) { log.Write(b) }} {
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
			send(long)
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
