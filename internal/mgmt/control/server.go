// Package control is the control socket of a running client: a Unix socket that handles one
// request per connection, and responds until the connection is closed.
//
// A request is a line: status, events, log, follow (log and the lines that come after it), stop or
// hangup. log and follow may be followed by the number of last lines wanted. Responses are lines
// too: JSON for status and events.
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

// Dir is the default directory of the sockets, which are named PID.sock.
const Dir = "/run/upppoe"

// Handler is the program behind a Server. Its methods are called concurrently.
type Handler interface {
	// Status returns the status as a line of JSON.
	Status() []byte
	// DroppedEvents returns the event, in JSON, that stands for n dropped ones.
	DroppedEvents(n int) []byte
	// Stop and HangUp start what they say, and do not wait for it.
	Stop()
	HangUp()
}

// Server handles the requests of a socket. Its methods may be called concurrently.
type Server struct {
	listener net.Listener
	handler  Handler
	log      *LogRing
	closed   chan struct{} // closed by Close

	mu          sync.Mutex
	subscribers []*linequeue.Queue // of events
}

const (
	maxConnections = 32 // at a time
	requestTimeout = 5 * time.Second
	// flushTimeout is how long a reader has for the last events.
	flushTimeout = time.Second
	// writeTimeout is how long a reader may not read before its connection is closed.
	writeTimeout = time.Minute
)

// Listen opens this program's socket in a directory, which it creates if necessary. Only the
// program's user can connect.
func Listen(dir string, handler Handler, log *LogRing) (*Server, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	removeStale(dir)
	path := filepath.Join(dir, fmt.Sprintf("%d.sock", os.Getpid()))
	os.Remove(path) // left by a program with our process ID
	l, err := (&net.ListenConfig{Control: restrictToUser}).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	s := &Server{listener: l, handler: handler, log: log, closed: make(chan struct{})}
	// Ends with Close.
	go s.accept()
	return s, nil
}

// restrictToUser sets the mode of a socket's file before it can be connected to.
func restrictToUser(_, _ string, socket syscall.RawConn) error {
	var err error
	return errors.Join(socket.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }), err)
}

// Close closes all connections but those that follow the log, which end with the program, and
// removes the socket. Subscribers of events have a short time to read the last ones. It must be
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

// Publish sends an event, a line of JSON, to all subscribers. It does not block.
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
			time.Sleep(time.Second) // perhaps there are no free descriptors: do not spin
			continue
		}
		free <- struct{}{}
		// Ends with the connection, which a local user may keep open.
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
		write(conn, fmt.Appendf(nil, "unknown request %q\n", request))
	}
}

// allLines is the number of lines that means all.
const allLines = -1

// immediately is a channel that is closed.
var immediately = func() <-chan struct{} { c := make(chan struct{}); close(c); return c }()

// streamEvents sends the status, and then events until the connection or the server is closed.
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

// queueTo returns a queue whose lines are written to a connection once ready is closed. A
// connection that does not read for long is closed.
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

// wait waits until the other side has closed the connection, or ended is closed.
func (s *Server) wait(conn net.Conn, ended <-chan struct{}) {
	gone := make(chan struct{})
	// Ends when the other side, or serve, closes the connection.
	go func() {
		io.Copy(io.Discard, conn)
		close(gone)
	}()
	select {
	case <-gone:
	case <-ended:
	}
}
