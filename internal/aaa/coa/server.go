package coa

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3576"

	"upppoe/internal/aaa/radius"
	"upppoe/internal/ratelimit"
)

// Why a request is dropped, in addition to the errors of package radius.
var (
	ErrClient      = errors.New("RADIUS CoA: request from an address that is not a client's")
	ErrOld         = errors.New("RADIUS CoA: request with an Event-Timestamp that is not of now: are the clocks right?")
	ErrNoTimestamp = errors.New("RADIUS CoA: request without Event-Timestamp, which is required")
	ErrReplayed    = errors.New("RADIUS CoA: request that was received before, from another port")
)

// Server answers requests.
type Server struct {
	cfg   Config // but for its Rules
	rules atomic.Pointer[Rules]
	lines *ratelimit.Limiter // limits lines about dropped requests

	mu    sync.Mutex
	stats Stats
	seen  answered
}

// Stats are the counters of a Server.
type Stats struct {
	Changed, Disconnected uint64 // sessions
	ACKs, NAKs, Repeated  uint64 // answers; those repeated for a retransmission
	Drops                 map[error]uint64
}

// New returns a server. The error is ErrConfig (wrapped).
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, lines: ratelimit.New(1, time.Minute), stats: Stats{Drops: map[error]uint64{}}}
	s.rules.Store(&cfg.Rules)
	return s, nil
}

// Prepare checks other rules, and returns what makes them those of requests that arrive from then on. The
// error is ErrConfig (wrapped).
func (s *Server) Prepare(r Rules) (replace func(), err error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return func() { s.rules.Store(&r) }, nil
}

// Stats returns the counters. It may be called at any time.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.stats
	c.Drops = maps.Clone(c.Drops)
	return c
}

// Serve answers requests that arrive at a socket, one after the other, until it is closed.
func (s *Server) Serve(conn *net.UDPConn) {
	b := make([]byte, layeh.MaxPacketLength+1)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if answer := s.receive(time.Now(), b[:n], from); answer != nil {
			conn.WriteToUDPAddrPort(answer, from) // lost answers are asked for again
		}
	}
}

// receive handles a datagram, and returns the answer; nil: it is dropped.
func (s *Server) receive(now time.Time, b []byte, from netip.AddrPort) []byte {
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	answer, err := s.handle(now, b, from)
	if err != nil {
		s.update(func(c *Stats) { c.Drops[err]++ })
		if ok, _ := s.lines.Allow(now); ok {
			s.cfg.Log.Warn(fmt.Sprintf("%v (from %v)", err, from))
		}
	}
	return answer
}

func (s *Server) update(change func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.stats)
}

// handle checks a request, and executes it unless that was done before.
func (s *Server) handle(now time.Time, b []byte, from netip.AddrPort) ([]byte, error) {
	client, ok := s.client(from.Addr())
	if !ok {
		return nil, ErrClient
	}
	p, err := radius.ParseRequest(b, client.Secret, s.rules.Load().RequireMessageAuthenticator)
	if err != nil {
		return nil, err
	}
	if err := s.checkTime(now, p); err != nil {
		return nil, err
	}
	if answer, by := s.seen.find(now.Add(-s.cfg.Window), p.Authenticator); by == from {
		s.update(func(c *Stats) { c.Repeated++ })
		return answer, nil
	} else if by.IsValid() {
		return nil, ErrReplayed
	}
	answer, err := radius.EncodeResponse(s.answer(p, from.Addr()))
	if err != nil {
		return nil, radius.ErrLength // too many Proxy-States
	}
	s.seen.add(now, p.Authenticator, from, answer)
	return answer, nil
}

func (s *Server) client(a netip.Addr) (Client, bool) {
	for _, c := range s.rules.Load().Clients {
		if c.Prefix.Contains(a) {
			return c, true
		}
	}
	return Client{}, false
}

// checkTime: RFC 5176 section 6.3.
func (s *Server) checkTime(now time.Time, p *layeh.Packet) error {
	at, err := rfc2869.EventTimestamp_Lookup(p)
	switch {
	case errors.Is(err, layeh.ErrNoAttribute):
		if s.rules.Load().RequireTimestamp {
			return ErrNoTimestamp
		}
		return nil
	case err != nil:
		return radius.ErrLength
	case now.Sub(at).Abs() > s.cfg.Window:
		return ErrOld
	}
	return nil
}

// answer executes a request of a client, and returns the response.
func (s *Server) answer(p *layeh.Packet, from netip.Addr) *layeh.Packet {
	ack, nak := layeh.CodeCoAACK, layeh.CodeCoANAK
	if p.Code == layeh.CodeDisconnectRequest {
		ack, nak = layeh.CodeDisconnectACK, layeh.CodeDisconnectNAK
	}
	why := s.execute(p, from)
	code := ack
	if why != nil {
		code = nak
	}
	r := p.Response(code)
	if why != nil {
		rfc3576.ErrorCause_Set(r, why.cause)
		rfc2865.ReplyMessage_SetString(r, why.text[:min(len(why.text), 253)])
	}
	for _, a := range p.Attributes {
		if a.Type == rfc2865.ProxyState_Type { // RFC 2865 section 5.33: unchanged and in order
			r.Add(a.Type, a.Attribute)
		}
	}
	s.update(func(c *Stats) {
		if why != nil {
			c.NAKs++
		} else {
			c.ACKs++
		}
	})
	return r
}

// refusal is why a request is refused.
type refusal struct {
	cause rfc3576.ErrorCause
	text  string
}

func refuse(cause rfc3576.ErrorCause, format string, args ...any) *refusal {
	return &refusal{cause, fmt.Sprintf(format, args...)}
}
