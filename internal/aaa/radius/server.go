package radius

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"layeh.com/radius"
)

// Build makes a request. It is called once for each server that the request is sent to, with the
// server's secret, which attributes may be hidden with.
type Build func(secret []byte) (*radius.Packet, error)

// server is a server and its sockets.
type server struct {
	Server
	cfg   *ClientConfig
	stats *counters

	mu       sync.Mutex
	sockets  []*socket
	closed   bool
	dead     bool
	retryAt  time.Time // when a dead server is tested
	answered time.Time // when it last answered
}

func (s *server) isDead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

// noteAnswer records that the server answers.
func (s *server) noteAnswer(now time.Time) {
	s.mu.Lock()
	was := s.dead
	s.dead, s.answered = false, now
	s.mu.Unlock()
	if was {
		s.cfg.Log.Info(fmt.Sprintf("RADIUS server %v answers again", s.Addr))
	}
}

// noteTimeout records that a request first sent at a time had no answer. The server is dead unless it
// has answered others since: it may drop some requests on purpose.
func (s *server) noteTimeout(sent, now time.Time) {
	s.stats.update(func(c *ServerStats) { c.Timeouts++ })
	s.mu.Lock()
	if s.answered.After(sent) {
		s.mu.Unlock()
		return
	}
	was := s.dead
	s.dead, s.retryAt = true, now.Add(s.cfg.DeadTime)
	s.mu.Unlock()
	if !was {
		s.cfg.Log.Warn(fmt.Sprintf("RADIUS server %v does not answer%s", s.Addr, s.droppedAnswers()))
	}
}

// droppedAnswers is a text that says why answers were dropped; empty if none was.
func (s *server) droppedAnswers() string {
	if last := s.stats.read().LastDrop; last != nil {
		return fmt.Sprintf("; its last answer was dropped (%v)", last)
	}
	return ""
}

// mayTest reports whether the caller's request should test a dead server, and if so, sets when the
// next may.
func (s *server) mayTest(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dead || now.Before(s.retryAt) {
		return false
	}
	s.retryAt = now.Add(s.cfg.DeadTime)
	return true
}

// errClosed reports that the client was closed.
var errClosed = errors.New("RADIUS: the client is closed")

// socket returns a socket and an Identifier on it.
func (s *server) socket() (*socket, uint8, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, 0, errClosed
	}
	for _, k := range s.sockets {
		if id, ok := k.take(); ok {
			return k, id, nil
		}
	}
	local := s.cfg.Source
	if !local.IsValid() {
		local = netip.IPv6Unspecified()
		if s.Addr.Addr().Is4() {
			local = netip.IPv4Unspecified()
		}
	}
	conn, err := s.cfg.Listen(netip.AddrPortFrom(local, 0))
	if err != nil {
		return nil, 0, err
	}
	k := newSocket(s, conn)
	go k.receive() // ends with close
	s.sockets = append(s.sockets, k)
	id, _ := k.take()
	return k, id, nil
}

func (s *server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, k := range s.sockets {
		k.conn.Close()
	}
}

// exchange sends a request until it is answered, at most some times. Retransmissions are the same
// packet: the server recognizes them by Identifier, authenticator and port (RFC 5080 section 2.2.2).
func (s *server) exchange(ctx context.Context, build Build, transmissions int) (*radius.Packet, error) {
	packet, err := build(s.Secret)
	if err != nil {
		return nil, err
	}
	k, id, err := s.socket()
	if err != nil {
		return nil, err
	}
	defer k.release(id)
	packet.Identifier = id
	b, err := encodeRequest(packet)
	if err != nil {
		return nil, fmt.Errorf("RADIUS: the request cannot be encoded: %w", err)
	}
	p := &pending{authenticator: [16]byte(b[authenticatorOffset:headerLen]), code: packet.Code, answer: make(chan *radius.Packet, 1)}
	k.wait(id, p)
	return s.transmit(ctx, k, b, p, transmissions)
}

// transmit sends an encoded request until it is answered. The time between transmissions doubles (RFC
// 5080 section 2.2.1).
func (s *server) transmit(ctx context.Context, k *socket, b []byte, p *pending, transmissions int) (*radius.Packet, error) {
	first, wait := time.Now(), s.cfg.Timeout
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for n := range transmissions {
		s.stats.update(func(c *ServerStats) {
			if n == 0 {
				c.Requests++
			} else {
				c.Retransmitted++
			}
		})
		if _, err := k.conn.WriteToUDPAddrPort(b, s.Addr); err != nil {
			s.stats.update(func(c *ServerStats) { c.SendErrors++ }) // as if it were lost: routes may change
		}
		select {
		case answer := <-p.answer:
			now := time.Now()
			s.stats.answered(now.Sub(first))
			s.noteAnswer(now)
			return answer, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
		}
		if n > 0 && s.isDead() {
			break // others have found out
		}
		wait = min(2*wait, maxWait)
		timer.Reset(wait)
	}
	s.noteTimeout(first, time.Now())
	return nil, fmt.Errorf("%w %v%s", ErrNoAnswer, s.Addr, s.droppedAnswers())
}

// maxWait is the longest time between two transmissions (RFC 5080 section 2.2.1, MRT).
const maxWait = 16 * time.Second
