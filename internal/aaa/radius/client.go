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

// Client sends requests to servers. Its methods may be called concurrently.
type Client struct {
	busy atomic.Uint64

	mu       sync.Mutex
	current  *serverSet
	replaced []*serverSet // those that requests still use

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
	c := &Client{current: newServerSet(cfg, nil)}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// Close ends all exchanges, and closes the sockets.
func (c *Client) Close() {
	c.stop()
	for _, set := range c.sets() {
		set.close()
	}
	c.running.Wait()
}

// Exchange sends a request, and returns the answer of the first server that gives one. The error is
// ErrNoAnswer (wrapped), ErrBusy, that of the context, or that of build.
func (c *Client) Exchange(ctx context.Context, build Build) (*radius.Packet, error) {
	set := c.use()
	defer c.release(set)
	if err := c.acquire(ctx, set); err != nil {
		return nil, err
	}
	defer func() { <-set.outstanding }()
	err := ErrNoAnswer
	for _, attempt := range c.attempts(set, time.Now()) {
		var answer *radius.Packet
		if answer, err = attempt.server.exchange(ctx, build, attempt.transmissions); err == nil || !errors.Is(err, ErrNoAnswer) {
			return answer, err
		}
	}
	return nil, err
}

// acquire waits until a request may be sent.
func (c *Client) acquire(ctx context.Context, set *serverSet) error {
	select {
	case set.outstanding <- struct{}{}:
		return nil
	default:
	}
	if set.queued.Add(1) > int64(set.cfg.MaxQueued) {
		set.queued.Add(-1)
		c.busy.Add(1)
		return ErrBusy
	}
	defer set.queued.Add(-1)
	select {
	case set.outstanding <- struct{}{}:
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
func (c *Client) attempts(set *serverSet, now time.Time) (order []attempt) {
	begin := 0
	if set.cfg.LoadShare {
		begin = int(set.turn.Add(1) % uint64(len(set.servers)))
	}
	var live, dead []attempt
	for i := range set.servers {
		s := set.servers[(begin+i)%len(set.servers)]
		if !s.isDead() {
			live = append(live, attempt{s, set.cfg.Transmissions})
			continue
		}
		dead = append(dead, attempt{s, set.cfg.Transmissions})
		switch due := s.mayTest(now); {
		case due && set.cfg.StatusServer:
			c.test(set, s)
		case due:
			order = append(order, attempt{s, 1})
		}
	}
	if len(live) > 0 {
		return append(order, live...)
	}
	return dead
}

// test sends Status-Server to a dead server (RFC 5997). The caller uses the set.
func (c *Client) test(set *serverSet, s *server) {
	c.retain(set)
	c.running.Go(func() {
		defer c.release(set)
		s.exchange(c.ctx, func(secret []byte) (*radius.Packet, error) {
			return radius.New(radius.CodeStatusServer, secret), nil
		}, 1) // noteAnswer and noteTimeout have its result
	})
}
