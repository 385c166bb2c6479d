package radius

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"layeh.com/radius"
)

var (
	// ErrNoAnswer reports that no server has answered (wrapped).
	ErrNoAnswer = errors.New("RADIUS: no answer from server")
	// ErrBusy reports that too many requests wait.
	ErrBusy = errors.New("RADIUS: too many requests wait for the servers")
)

// Client sends requests to servers.
type Client struct {
	cfg         ClientConfig
	servers     []*server
	outstanding chan struct{}
	queued      atomic.Int64
	busy        atomic.Uint64
	turn        atomic.Uint64

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	running sync.WaitGroup
}

// NewClient makes a client. The error is ErrConfig (wrapped), and names the field.
func NewClient(cfg ClientConfig) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, outstanding: make(chan struct{}, cfg.MaxOutstanding)}
	c.ctx, c.stop = context.WithCancel(context.Background())
	for _, s := range cfg.Servers {
		c.servers = append(c.servers, &server{Server: s, cfg: &c.cfg})
	}
	return c, nil
}

// Close ends all exchanges, and closes the sockets.
func (c *Client) Close() {
	c.stop()
	for _, s := range c.servers {
		s.close()
	}
	c.running.Wait()
}

// Exchange sends a request, and returns the answer of the first server that gives one. The error is
// ErrNoAnswer (wrapped), ErrBusy, that of the context, or that of build.
func (c *Client) Exchange(ctx context.Context, build Build) (*radius.Packet, error) {
	if err := c.acquire(ctx); err != nil {
		return nil, err
	}
	defer func() { <-c.outstanding }()
	err := ErrNoAnswer
	for _, attempt := range c.attempts(time.Now()) {
		var answer *radius.Packet
		if answer, err = attempt.server.exchange(ctx, build, attempt.transmissions); err == nil || !errors.Is(err, ErrNoAnswer) {
			return answer, err
		}
	}
	return nil, err
}

// acquire waits until a request may be sent.
func (c *Client) acquire(ctx context.Context) error {
	select {
	case c.outstanding <- struct{}{}:
		return nil
	default:
	}
	if c.queued.Add(1) > int64(c.cfg.MaxQueued) {
		c.queued.Add(-1)
		c.busy.Add(1)
		return ErrBusy
	}
	defer c.queued.Add(-1)
	select {
	case c.outstanding <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return errClosed
	}
}

// attempt is a server to try.
type attempt struct {
	server        *server
	transmissions int
}

// attempts returns the servers to try for a request: those that answer, in order. If a dead one is due
// for a test, it is tried first, by one transmission; if all are dead, all are tried.
func (c *Client) attempts(now time.Time) (order []attempt) {
	begin := 0
	if c.cfg.LoadShare {
		begin = int(c.turn.Add(1) % uint64(len(c.servers)))
	}
	var live, dead []attempt
	for i := range c.servers {
		s := c.servers[(begin+i)%len(c.servers)]
		if !s.isDead() {
			live = append(live, attempt{s, c.cfg.Transmissions})
			continue
		}
		dead = append(dead, attempt{s, c.cfg.Transmissions})
		switch due := s.mayTest(now); {
		case due && c.cfg.StatusServer:
			c.test(s)
		case due:
			order = append(order, attempt{s, 1})
		}
	}
	if len(live) > 0 {
		return append(order, live...)
	}
	return dead
}

// test sends Status-Server to a dead server (RFC 5997).
func (c *Client) test(s *server) {
	c.running.Go(func() {
		s.exchange(c.ctx, func(secret []byte) (*radius.Packet, error) {
			return radius.New(radius.CodeStatusServer, secret), nil
		}, 1) // noteAnswer and noteTimeout have its result
	})
}
