// Package control is the control socket of a running program: a Unix socket that handles one
// request per connection, and responds until the connection is closed.
//
// A request is a line: status, events, log, follow (log and the lines that come after it), or one that
// the program adds, with its arguments. log and follow may be followed by the number of last lines
// wanted. Responses are lines too: JSON for status and events.
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
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/log/linequeue"
)

// Dir is the default directory of the sockets.
const Dir = "/run/upppoe"

// Handler is the program behind a Server. Its methods are called concurrently.
type Handler interface {
	// Status returns the status as a line of JSON.
	Status() []byte
	// DroppedEvents returns the event, in JSON, that stands for n dropped ones.
	DroppedEvents(n int) []byte
}

// Config configures a Server.
type Config struct {
	Path string // of the socket
	// Group is the ID of a group whose members may connect; 0: only root and the program's user.
	Group   int
	Handler Handler
	Log     *LogRing
	// Inherited is the listener of another program (see Listener), whose socket has the same path. It
	// belongs to the Server then. Nil, or another socket's: the socket is opened.
	Inherited *os.File
	// Requests are handled in addition, each by a goroutine of its own. The connection is closed when
	// the function returns.
	Requests map[string]func(*Call)
}

// Server handles the requests of a socket. Its methods may be called concurrently.
type Server struct {
	listener net.Listener
	cfg      Config
	closed   chan struct{} // closed by Close
	streams  atomic.Int32  // connections with events or follow

	mu          sync.Mutex
	subscribers []*linequeue.Queue // of events
	listening   atomic.Int32       // the number of subscribers
}

const (
	maxConnections = 32 // at a time
	// maxStreams is less, so that those who follow events or the log cannot keep others out.
	maxStreams     = 24
	maxRequest     = 4096 // octets, with the newline
	requestTimeout = 5 * time.Second
	// flushTimeout is how long a reader has for the last events.
	flushTimeout = time.Second
	// writeTimeout is how long a reader may not read before its connection is closed.
	writeTimeout = time.Minute
)

// Listen opens a socket and handles its requests until Close.
func Listen(cfg Config) (*Server, error) {
	s, err := Open(cfg)
	if err == nil {
		s.Start()
	}
	return s, err
}

// Open opens a socket, whose directory it creates if necessary. Who connects waits until Start. A
// socket of that name at which no program listens is replaced; the error of one at which a program
// does wraps unix.EADDRINUSE.
func Open(cfg Config) (*Server, error) {
	if l := inherit(cfg); l != nil {
		return newServer(l, cfg), nil
	}
	dir := filepath.Dir(cfg.Path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	unlock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	removeStale(dir)
	if is, err := os.Lstat(cfg.Path); err == nil {
		switch {
		case is.Mode()&os.ModeSocket == 0:
			return nil, fmt.Errorf("%s is not a socket: name another path, or remove it", cfg.Path)
		case isListening(cfg.Path):
			return nil, fmt.Errorf("%s: %w", cfg.Path, unix.EADDRINUSE)
		}
	}
	os.Remove(cfg.Path) // left by an ended program
	l, err := (&net.ListenConfig{Control: restrictToUser}).Listen(context.Background(), "unix", cfg.Path)
	if err == nil && cfg.Group != 0 {
		err = allowGroup(cfg.Path, cfg.Group)
	}
	if err != nil {
		return nil, err
	}
	return newServer(l, cfg), nil
}

func newServer(l net.Listener, cfg Config) *Server {
	return &Server{listener: l, cfg: cfg, closed: make(chan struct{})}
}

// Path returns the path of the socket.
func (s *Server) Path() string { return s.cfg.Path }

// Start begins to handle requests. It must be called once at most.
func (s *Server) Start() {
	// Ends with Close.
	go s.accept()
}

// lockDir prevents other programs from opening a socket in a directory, until unlock is called. It
// does not wait long, because any user can lock a directory.
func lockDir(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for range 20 {
		if unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return func() { d.Close() }, nil
}

// restrictToUser sets the mode of a socket's file before it can be connected to.
func restrictToUser(_, _ string, socket syscall.RawConn) error {
	var set error
	err := socket.Control(func(fd uintptr) { set = unix.Fchmod(int(fd), 0o600) })
	return errors.Join(err, set)
}

// allowGroup allows a group to connect.
func allowGroup(path string, group int) error {
	if err := os.Chown(path, -1, group); err != nil {
		return err
	}
	return os.Chmod(path, 0o660)
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

// HasSubscribers reports whether Publish has somebody to send events to.
func (s *Server) HasSubscribers() bool { return s.listening.Load() > 0 }

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
	if err := checkPeer(conn, s.cfg.Group); err != nil {
		write(conn, []byte(err.Error()+"\n"))
		return
	}
	conn.SetReadDeadline(time.Now().Add(requestTimeout))
	line, err := bufio.NewReader(io.LimitReader(conn, maxRequest)).ReadString('\n')
	if err != nil {
		return
	}
	conn.SetDeadline(time.Time{})
	request, arguments, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch handle := s.cfg.Requests[request]; {
	case handle != nil:
		handle(&Call{arguments, s, conn})
	case request == "status":
		write(conn, append(s.cfg.Handler.Status(), '\n'))
	case request == "log":
		write(conn, s.cfg.Log.Tail(lineCount(arguments)))
	case request == "follow" || request == "events":
		s.stream(conn, request, arguments)
	default:
		write(conn, fmt.Appendf(nil, "unknown request %q\n", request))
	}
}

// allLines is the number of lines that means all.
const allLines = -1

// lineCount parses a number of lines.
func lineCount(text string) int {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return int(n)
	}
	return allLines
}

// stream serves a request whose response does not end, unless there are too many already.
func (s *Server) stream(conn net.Conn, request, arguments string) {
	defer s.streams.Add(-1)
	if s.streams.Add(1) > maxStreams {
		write(conn, fmt.Appendf(nil, "%d connections follow events or the log already\n", maxStreams))
		return
	}
	if request == "events" {
		s.streamEvents(conn)
		return
	}
	unfollow := s.cfg.Log.Follow(queueTo(conn, immediately, droppedLines), lineCount(arguments))
	defer unfollow()
	wait(conn, nil)
}

// immediately is a channel that is closed.
var immediately = func() <-chan struct{} { c := make(chan struct{}); close(c); return c }()

// streamEvents sends the status, and then events until the connection or the server is closed.
func (s *Server) streamEvents(conn net.Conn) {
	ready := make(chan struct{})
	q := queueTo(conn, ready, func(n int) linequeue.Line {
		return linequeue.Line{Text: append(s.cfg.Handler.DroppedEvents(n), '\n')}
	})
	s.subscribe(q)
	defer s.unsubscribe(q)
	write(conn, append(s.cfg.Handler.Status(), '\n'))
	close(ready)
	wait(conn, s.closed)
}

func (s *Server) subscribe(q *linequeue.Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribers = append(s.subscribers, q)
	s.listening.Store(int32(len(s.subscribers)))
}

func (s *Server) unsubscribe(q *linequeue.Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribers = slices.DeleteFunc(s.subscribers, func(of *linequeue.Queue) bool { return of == q })
	s.listening.Store(int32(len(s.subscribers)))
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
func wait(conn net.Conn, ended <-chan struct{}) {
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
