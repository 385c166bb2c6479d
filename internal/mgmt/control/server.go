// Package control lets programs talk to a client that runs: over a socket of its own,
// one question a connection, and the answer until its end.
//
// The question is a line: status, events, log or follow (which is log and what comes
// after it), stop or hangup. After log and follow may stand how many of the last lines are wanted.
// Answers are lines, too: JSON for the first two.
package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/log/linequeue"
)

// Dir is where the sockets lie: PID.sock.
const Dir = "/run/upppoe"

// Handler is what a program has to say and can be told. Methods are called
// concurrently.
type Handler interface {
	// Status is a line of JSON.
	Status() []byte
	// DroppedEvents is the event, in JSON, that stands for so many others, which were not read in time.
	DroppedEvents(n int) []byte
	// Stop and HangUp do what they say; they do not wait for it.
	Stop()
	HangUp()
}

// Server answers at a socket. Its methods may be called concurrently.
type Server struct {
	listener net.Listener
	handler  Handler
	log      *LogRing
	closed   chan struct{} // closed by Close

	mu          sync.Mutex
	subscribers []*linequeue.Queue // of events
}

const (
	maxConnections = 32 // connections at a time
	requestTimeout = 5 * time.Second
	// flushTimeout is how long a reader has to take the last events.
	flushTimeout = time.Second
	// writeTimeout is how long a reader may stand still before the connection is closed.
	writeTimeout = time.Minute
)

// Listen opens this program's socket in a directory, which it makes if it must. Only
// its own user can connect. Log is what there is to read of the log.
func Listen(dir string, answers Handler, log *LogRing) (*Server, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	removeStale(dir)
	path := filepath.Join(dir, fmt.Sprintf("%d.sock", os.Getpid()))
	os.Remove(path) // of a program that had our number before
	l, err := (&net.ListenConfig{Control: restrictToUser}).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	s := &Server{listener: l, handler: answers, log: log, closed: make(chan struct{})}
	// Ends with Close.
	go s.accept()
	return s, nil
}

// restrictToUser has a socket's file be for its own user alone from the moment it is there.
func restrictToUser(_, _ string, socket syscall.RawConn) error {
	var err error
	return errors.Join(socket.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }), err)
}

// Close ends all conversations but those that follow the log, which end with the program, and
// removes the socket. Who listens to events gets the last ones, if they take them soon. It is
// called once.
func (s *Server) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	subscribers := slices.Clone(s.subscribers)
	s.mu.Unlock()
	flush(subscribers)
	close(s.closed)
	return err
}

// Publish tells everybody who listens to events of one: a line of JSON. It does not block.
func (s *Server) Publish(event []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.subscribers {
		q.Put(linequeue.Line{Text: event})
	}
}

func (s *Server) accept() {
	free := make(chan struct{}, maxConnections)
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(time.Second) // out of descriptors, perhaps: others need the processor
			continue
		}
		free <- struct{}{}
		// Ends with the conversation, which somebody at this machine may draw out.
		go func() {
			defer func() { <-free }()
			defer conn.Close()
			s.serve(conn)
		}()
	}
}

func (s *Server) serve(conn net.Conn) {
	conn.SetReadDeadline(time.Now().Add(requestTimeout))
	line, err := bufio.NewReader(io.LimitReader(conn, 64)).ReadString('\n')
	if err != nil {
		return
	}
	conn.SetDeadline(time.Time{})
	request, count, _ := strings.Cut(strings.TrimSpace(line), " ")
	lines := allLines
	if n, err := strconv.ParseUint(count, 10, 31); err == nil {
		lines = int(n)
	}
	switch request {
	case "status":
		write(conn, append(s.handler.Status(), '\n'))
	case "stop":
		s.handler.Stop()
		s.wait(conn, s.closed)
	case "hangup":
		s.handler.HangUp()
	case "log":
		write(conn, s.log.Tail(lines))
	case "follow":
		unfollow := s.log.Follow(queueTo(conn, immediately, droppedLines), lines)
		defer unfollow()
		s.wait(conn, nil)
	case "events":
		s.streamEvents(conn)
	default:
		write(conn, fmt.Appendf(nil, "unknown question %q\n", request))
	}
}

// allLines are all lines of the log.
const allLines = -1

// immediately has begun.
var immediately = func() <-chan struct{} { c := make(chan struct{}); close(c); return c }()

// streamEvents tells first how the program is, and then what happens, until the end.
func (s *Server) streamEvents(conn net.Conn) {
	ready := make(chan struct{})
	q := queueTo(conn, ready, func(n int) linequeue.Line { return linequeue.Line{Text: append(s.handler.DroppedEvents(n), '\n')} })
	s.mu.Lock()
	s.subscribers = append(s.subscribers, q)
	s.mu.Unlock()
	write(conn, append(s.handler.Status(), '\n'))
	close(ready)
	s.wait(conn, s.closed)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribers = slices.DeleteFunc(s.subscribers, func(of *linequeue.Queue) bool { return of == q })
}

// queueTo makes a queue of what is written to a connection once that has begun. One that takes
// nothing for long is closed.
func queueTo(conn net.Conn, ready <-chan struct{}, report func(int) linequeue.Line) *linequeue.Queue {
	return linequeue.New(func(l linequeue.Line) error {
		<-ready
		return write(conn, l.Text)
	}, report)
}

func write(conn net.Conn, text []byte) error {
	conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := conn.Write(text)
	if err != nil {
		conn.Close()
	}
	return err
}

// wait waits until the other side has gone, or something has ended.
func (s *Server) wait(conn net.Conn, ended <-chan struct{}) {
	gone := make(chan struct{})
	// Ends when the other side closes, or converse does.
	go func() {
		io.Copy(io.Discard, conn)
		close(gone)
	}()
	select {
	case <-gone:
	case <-ended:
	}
}
