package pppoe

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// Client dials one session, carries its packets, and redials as configured by ClientConfig.Redial.
// Redial, SetInterfaceState, SetInterfaceAddr and Counters may be called at any time, concurrently
// with Run.
type Client struct {
	cfg           ClientConfig
	backoff       backoff        // used by Run only
	avoid         []wire.Addr    // used by Run only: concentrators whose session failed
	generations   atomic.Uint64  // of the sessions of all dials
	reportedState InterfaceState // used by Run only: the state of the interface reported last
	wakeup        chan struct{}  // capacity 1: ends a wait of Run

	mu      sync.Mutex // guards the fields below
	dialer  *dialer    // nil: no dial is in progress
	redial  bool       // Redial was called
	state   InterfaceState
	address wire.Addr // of the interface, as last set; zero: unknown
}

// NewClient makes a client. Its Run may be called once. The error names the field of cfg that is
// wrong.
func NewClient(cfg ClientConfig) (*Client, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Notify == nil {
		cfg.Notify = func(SessionInfo, Event) {}
	}
	return &Client{cfg: cfg, backoff: backoff{Redial: cfg.Redial}, wakeup: make(chan struct{}, 1)}, nil
}

// ErrDiscovery is wrapped by the error of a dial that found no concentrator, or that all
// concentrators rejected.
//
//lint:ignore ST1005 pppd's words to the letter: scripts look for them in logs.
var ErrDiscovery = errors.New("Unable to complete PPPoE Discovery")

// EndError is the error of Client.Run: why the last session ended.
type EndError struct {
	Reason session.Reason
	// Online reports whether packets of some address family could flow, Uptime for how long.
	Online bool
	Uptime time.Duration
	// AC is the concentrator of the session; zero: no session was established.
	AC wire.Addr
	// Err is the local cause, if any, such as a lost interface.
	Err error
}

// Error returns the local error if there is one, else the cause.
func (e *EndError) Error() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return "session ended: " + e.Reason.Cause.String()
}

// Unwrap returns the local error.
func (e *EndError) Unwrap() error { return e.Err }

// userRequest is the reason of a session that ends with the context.
var userRequest = session.Reason{Cause: session.CauseUserRequest, Text: "User request"}

// Run dials, and redials as configured by ClientConfig.Redial, until the context ends. It returns
// an *EndError for the last session, or the error that prevented one. It leaves no session, device
// or goroutine behind.
//
// When the context ends, Run closes the session first; without an answer from the
// concentrator this takes LCP's Max-Terminate × the Restart timer.
func (c *Client) Run(ctx context.Context) error {
	for {
		if !c.awaitDial(ctx) {
			return &EndError{Reason: userRequest}
		}
		c.takeRedial() // this dial serves all requests until now
		err := c.dial(ctx)
		now := time.Now()
		c.backoff.record(now, err)
		c.updateAvoided(err)
		requested := c.takeRedial()
		if ctx.Err() != nil || !(requested && c.backoff.Persist) && !c.backoff.shouldRedial(err) {
			return err
		}
		delay := time.Duration(0)
		if !requested {
			delay = c.backoff.delay(now, err)
		}
		c.notify(AwaitingRedial{Delay: delay, Err: err})
		if !c.pause(ctx, delay) {
			return &EndError{Reason: userRequest}
		}
	}
}

func (c *Client) notify(e Event) { c.cfg.Notify(SessionInfo{Interface: c.cfg.Interface}, e) }

// updateAvoided remembers a concentrator whose session failed before it was online, so that the
// next dial prefers another. A session that was online clears the list.
func (c *Client) updateAvoided(err error) {
	end := (*EndError)(nil)
	switch {
	case !errors.As(err, &end):
	case end.Online:
		c.avoid = nil
	case end.AC != wire.Addr{} && len(c.avoid) < discovery.MaxOffers:
		c.avoid = append(c.avoid, end.AC)
	}
}

// Redial ends the session, or the pause between two dials, and makes the client dial at once if
// Redial.Persist is set.
func (c *Client) Redial() {
	c.mu.Lock()
	c.redial = true
	d := c.dialer
	c.mu.Unlock()
	if d != nil {
		d.loop.call(func(now time.Time) { d.stop(now) })
	}
	c.wake()
}

// SetInterfaceState sets the state of the Ethernet interface. InterfaceDown and InterfaceGone end
// the session, and a client that persists dials again when the interface is no longer down or gone;
// InterfaceNoCarrier ends the session after 10 s. On InterfaceUp the client sends an Echo-Request
// on an existing session, and ends the pause before a redial unless a rejected password, or a PADT
// before the session was online, caused it.
func (c *Client) SetInterfaceState(s InterfaceState) {
	c.mu.Lock()
	before := c.state
	c.state = s
	d := c.dialer
	c.mu.Unlock()
	if s == before {
		return
	}
	if d != nil {
		d.loop.call(func(now time.Time) { d.interfaceChanged(now, s) })
	}
	c.wake()
}

// SetInterfaceAddr sets the Ethernet address of the interface. A dial or a session under another
// address ends, because frames to the old address no longer arrive: a dial restarts at once, a
// session ends with a PADT from the old address. It must not be called if the client uses a fixed
// Attachment.Source (package afpacket).
func (c *Client) SetInterfaceAddr(a wire.Addr) {
	c.mu.Lock()
	before := c.address
	c.address = a
	d := c.dialer
	c.mu.Unlock()
	if a != before && d != nil {
		d.loop.call(func(now time.Time) { d.addressChanged(now, a) })
	}
}

// Counters returns the counters of the open session; ok reports whether there is one.
func (c *Client) Counters() (n datapath.Counters, ok bool) {
	c.mu.Lock()
	d := c.dialer
	c.mu.Unlock()
	if d == nil {
		return datapath.Counters{}, false
	}
	if path := d.path.Load(); path != nil {
		n = (*path).Counters()
	}
	return n, d.isOpen.Load()
}

// Echoes returns what the LCP echoes of the open session have measured; ok reports whether there is
// a session.
func (c *Client) Echoes() (e EchoStats, ok bool) {
	c.mu.Lock()
	d := c.dialer
	c.mu.Unlock()
	if d == nil {
		return EchoStats{}, false
	}
	return d.echoes.stats(), d.isOpen.Load()
}

// reportState reports the interface's state if it has changed while no dial was in progress to
// report it.
func (c *Client) reportState() (state InterfaceState) {
	state = c.interfaceState()
	if state != c.reportedState {
		c.reportedState = state
		c.notify(InterfaceChanged{State: state})
	}
	return state
}

func (c *Client) wake() {
	select {
	case c.wakeup <- struct{}{}:
	default: // already woken
	}
}

func (c *Client) takeRedial() (requested bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	requested, c.redial = c.redial, false
	return requested
}

func (c *Client) interfaceState() InterfaceState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

func (c *Client) interfaceAddr() wire.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.address
}

// awaitDial waits until there is traffic to be carried, if that is configured, and, with Persist,
// until the interface is neither down nor gone. It returns false if the context has ended.
func (c *Client) awaitDial(ctx context.Context) bool {
	if c.cfg.AwaitTraffic != nil {
		c.notify(AwaitingTraffic{})
		c.cfg.AwaitTraffic(ctx)
	}
	for notified := false; ctx.Err() == nil; notified = true {
		state := c.reportState()
		if state < InterfaceDown || !c.backoff.Persist {
			return true
		}
		if !notified {
			c.notify(AwaitingInterface{})
		}
		select {
		case <-ctx.Done():
		case <-c.wakeup:
		}
	}
	return false
}

// pause waits for d, or until Redial is called or the interface comes up; the latter does not count
// after what is or may be a rejected password. It returns false if the context has ended.
func (c *Client) pause(ctx context.Context, d time.Duration) bool {
	before := c.interfaceState()
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-c.wakeup:
			if c.takeRedial() {
				return true
			}
			state := c.reportState()
			if before != InterfaceUp && state == InterfaceUp && !c.backoff.rejected {
				return true
			}
			before = state
		}
	}
}

// dial runs one session from discovery to its end. If the interface's address changes before the
// session is established, discovery restarts under the new address.
func (c *Client) dial(ctx context.Context) error {
	for {
		if err := c.dialOnce(ctx); !errors.Is(err, errAddressChanged) && !errors.Is(err, errNotContinued) {
			return err
		}
		if ctx.Err() != nil {
			return &EndError{Reason: userRequest}
		}
	}
}

func (c *Client) dialOnce(ctx context.Context) error {
	c.backoff.interfaceFailed, c.backoff.receivedPADT = false, false
	address := c.interfaceAddr()
	ports, err := c.cfg.OpenPorts()
	if err != nil {
		return err
	}
	d := &dialer{cfg: &c.cfg, interfaceState: &c.reportedState}
	d.loop = newLoop(c.cfg.Interface, ports, c.cfg.Network, c.cfg.DataPath, c.cfg.Notify, c.cfg.Trace, &c.generations)
	d.loop.afterStep = func(s *sessionState) {
		d.echoes.update(s)
		d.checkContinued(s)
	}
	d.loop.owner, d.loop.mss, d.loop.noRemoteAddress = d, c.cfg.MSS, c.cfg.NoRemoteAddress
	// The loop ends with the dial.
	ctx, d.finish = context.WithCancel(ctx)
	defer d.finish()
	d.ctx = ctx
	now := time.Now()
	d.newDiscovery(c.backoff.fastRetryWindow(now), c.avoid)
	switch {
	case c.cfg.Attach != nil:
		d.openSession(discovery.Grant{SessionID: c.cfg.Attach.SessionID, AC: c.cfg.Attach.AC})
		c.cfg.Attach = nil
	case c.cfg.Adopt != nil:
		d.terminateStale(c.cfg.Stale)
		d.adoptOrDial(now, c.cfg.Adopt)
		c.cfg.Adopt, c.cfg.Stale = nil, nil
	case len(c.cfg.Stale) > 0:
		d.terminateStale(c.cfg.Stale)
		d.searchAt = now.Add(padtGrace)
		c.cfg.Stale = nil
	default:
		d.search(now)
	}
	if state := c.setDialer(d); state != c.reportedState { // it changed while the ports were opened
		d.interfaceChanged(now, state)
	}
	if is := c.interfaceAddr(); is != address { // the same
		d.addressChanged(now, is)
	}
	err = d.loop.run(ctx)
	c.setDialer(nil)
	c.cfg.Stale = append(c.cfg.Stale, d.staleSessions()...)
	c.backoff.interfaceFailed, c.backoff.receivedPADT = d.interfaceFailed, d.receivedPADT
	if d.online {
		c.cfg.Previous = d.configured
	}
	if a := d.unconfirmed; a != nil {
		c.cfg.Stale = append(c.cfg.Stale, a.stale(ports.Session.Addr()))
		return errNotContinued
	}
	if err != nil {
		return &EndError{Reason: session.Reason{Cause: session.CauseHangUp}, Online: d.online, Err: err}
	}
	return d.end
}

// setDialer makes the dial in progress known to SetInterfaceState and Redial, and returns the
// interface's state until now.
func (c *Client) setDialer(d *dialer) InterfaceState {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dialer = d
	return c.state
}
