// Package control lets programs talk to a client that runs: over a socket of its own,
// one question a connection, and the answer until its end.
//
// The question is a line: status, events, log or follow (which is log and what comes
// after it), stop or hangup. Answers are lines, too: JSON for the first two.
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
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Dir is where the sockets lie: PID.sock.
const Dir = "/run/upppoe"

// Answers is what a program has to say and can be told. Methods are called
// concurrently.
type Answers interface {
	// Status is a line of JSON.
	Status() []byte
	// Stop and HangUp do what they say; they do not wait for it.
	Stop()
	HangUp()
}

// Server answers at a socket. Its methods may be called concurrently.
type Server struct {
	listener net.Listener
	answers  Answers
	log      *Ring
	never    chan []byte // nothing comes of it but its end, which is ours

	mu        sync.Mutex
	listeners map[chan []byte]bool // of events
	relays    sync.WaitGroup       // what they have yet to be told
}

const (
	maxAsking = 32 // connections at a time
	askWithin = 5 * time.Second
	farewell  = time.Second
	backlog   = 256 // events that somebody may be behind; then they are cut off
)

// Listen opens this program's socket in a directory, which it makes if it must. Only
// its own user can connect. Log is what there is to read of the log.
func Listen(dir string, answers Answers, log *Ring) (*Server, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fmt.Sprintf("%d.sock", os.Getpid()))
	os.Remove(path) // of a program that had our number before
	l, err := (&net.ListenConfig{Control: onlyOurs}).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	s := &Server{listener: l, answers: answers, log: log, never: make(chan []byte), listeners: make(map[chan []byte]bool)}
	// Ends with Close.
	go s.accept()
	return s, nil
}

// onlyOurs has a socket's file be for its own user alone from the moment it is there.
func onlyOurs(_, _ string, socket syscall.RawConn) error {
	var err error
	return errors.Join(socket.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }), err)
}

// Close ends all conversations, and removes the socket. Who listens to events gets the
// last ones, if they take them soon. It is called once.
func (s *Server) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	close(s.never)
	for c := range s.listeners {
		close(c)
		delete(s.listeners, c)
	}
	s.mu.Unlock()
	told := make(chan struct{})
	// Ends with the conversations, each of which has its own deadline.
	go func() { s.relays.Wait(); close(told) }()
	select {
	case <-told:
	case <-time.After(farewell):
	}
	return err
}

// Tell tells everybody who listens to events of one: a line of JSON. It does not block.
func (s *Server) Tell(event []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.listeners {
		select {
		case c <- event:
		default:
			close(c)
			delete(s.listeners, c)
		}
	}
}

func (s *Server) accept() {
	free := make(chan struct{}, maxAsking)
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
			s.converse(conn)
		}()
	}
}

func (s *Server) converse(conn net.Conn) {
	conn.SetReadDeadline(time.Now().Add(askWithin))
	line, err := bufio.NewReader(io.LimitReader(conn, 64)).ReadString('\n')
	if err != nil {
		return
	}
	conn.SetReadDeadline(time.Time{})
	switch question := strings.TrimSpace(line); question {
	case "status":
		conn.Write(append(s.answers.Status(), '\n'))
	case "stop":
		s.answers.Stop()
		relayTo(conn, s.never) // until we end
	case "hangup":
		s.answers.HangUp()
	case "log":
		conn.Write(s.log.Bytes())
	case "follow":
		past, more, leave := s.log.Follow()
		defer leave()
		conn.Write(past)
		relayTo(conn, more)
	case "events":
		c := s.subscribe()
		conn.Write(append(s.answers.Status(), '\n'))
		relayTo(conn, c)
		s.unsubscribe(c)
	default:
		fmt.Fprintf(conn, "unknown question %q\n", question)
	}
}

func (s *Server) subscribe() chan []byte {
	c := make(chan []byte, backlog)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners[c] = true
	s.relays.Add(1)
	return c
}

func (s *Server) unsubscribe(c chan []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.relays.Done()
	if s.listeners[c] {
		delete(s.listeners, c)
		close(c)
	}
}

// relayTo writes what comes until there is no more, or the other side has gone.
func relayTo(conn net.Conn, from <-chan []byte) {
	gone := make(chan struct{})
	// Ends when the other side closes, or converse does.
	go func() {
		io.Copy(io.Discard, conn)
		close(gone)
	}()
	for {
		select {
		case <-gone:
			return
		case b, ok := <-from:
			if !ok {
				return
			}
			conn.SetWriteDeadline(time.Now().Add(askWithin))
			if _, err := conn.Write(b); err != nil {
				return
			}
		}
	}
}
