package pppoe

import (
	"context"
	"errors"
	"sync"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// Client dials one session, carries its traffic, and dials again as told. Redial,
// Link and Counters may be called at any time, concurrently with Run.
type Client struct {
	cfg          ClientConfig
	backoff      backoff       // Run's alone
	avoid        []wire.Addr   // likewise: concentrators that have failed us
	reportedLink LinkState     // likewise: how the link was last said to be
	wakeup       chan struct{} // holds one: somebody has said something that Run waits for

	mu      sync.Mutex // guards what follows
	dialer  *dialer    // nil: none is under way
	redial  bool       // Redial was called
	link    LinkState
	address wire.Addr // the interface's, as last told; zero: not yet
}

// NewClient makes a client; Run has it work, once. The error names the field of cfg that is wrong.
func NewClient(cfg ClientConfig) (*Client, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Notify == nil {
		cfg.Notify = func(SessionInfo, Event) {}
	}
	return &Client{cfg: cfg, backoff: backoff{Redial: cfg.Redial}, wakeup: make(chan struct{}, 1)}, nil
}

// ErrDiscovery is wrapped by the error of a dial that found no concentrator, or
// whose concentrators all refused.
//
//lint:ignore ST1005 pppd's words to the letter: scripts look for them in logs.
var ErrDiscovery = errors.New("Unable to complete PPPoE Discovery")

// EndError says why a session ended.
type EndError struct {
	Reason session.Reason
	// Online reports whether packets of some family could flow before, and Lasted for
	// how long.
	Online bool
	Uptime time.Duration
	// AC is the concentrator whose session it was; zero: none was granted.
	AC wire.Addr
	// Err is what this machine said, if it was the cause: that it can have no
	// device, or that the interface is gone.
	Err error
}

// Error names the cause, and what this machine said.
func (e *EndError) Error() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return "session ended: " + e.Reason.Cause.String()
}

// Unwrap is what this machine said.
func (e *EndError) Unwrap() error { return e.Err }

// userRequest is the reason when the context has ended.
var userRequest = session.Reason{Cause: session.UserRequest, Text: "User request"}

// Run dials, and dials again as Redial says, until the context ends. It returns
// why the last session ended, an *EndError, or why there was none. It leaves nothing behind:
// no session, no device, no goroutine.
//
// Ended by its context, the client says goodbye to the concentrator first, which
// may take Max-Terminate restart periods if that does not answer.
func (c *Client) Run(ctx context.Context) error {
	for {
		if !c.awaitDial(ctx) {
			return &EndError{Reason: userRequest}
		}
		c.takeRedial() // who has asked until now gets it
		err := c.dial(ctx)
		now := time.Now()
		c.backoff.record(now, err)
		c.updateAvoided(err)
		asked := c.takeRedial()
		if ctx.Err() != nil || !(asked && c.backoff.Persist) && !c.backoff.shouldRedial(err) {
			return err
		}
		pause := time.Duration(0)
		if !asked {
			pause = c.backoff.delay(now, err)
		}
		c.notify(AwaitingRedial{Delay: pause, Err: err})
		if !c.pause(ctx, pause) {
			return &EndError{Reason: userRequest}
		}
	}
}

func (c *Client) notify(e Event) { c.cfg.Notify(SessionInfo{Interface: c.cfg.Interface}, e) }

// updateAvoided remembers a concentrator that gave us a session of no use, so that
// another one has its turn, and forgets all once one is of use.
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

// Redial hangs up, and has the client dial again at once if it persists: it also ends
// a pause.
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

// SetLinkState tells how the Ethernet interface is now. Down or gone, it ends the session,
// and no dial is tried until it is up; without carrier, it does so unless the carrier
// comes back in a while. Up again, a session that has outlived it is asked for a sign
// of life, and a pause ends, unless it is for a refused password.
func (c *Client) SetLinkState(s LinkState) {
	c.mu.Lock()
	before := c.link
	c.link = s
	d := c.dialer
	c.mu.Unlock()
	if s == before {
		return
	}
	if d != nil {
		d.loop.call(func(now time.Time) { d.linkChanged(now, s) })
	}
	c.wake()
}

// SetLinkAddr tells the Ethernet address that the interface has now. A dial or a session under
// another one ends, as its peer's frames no longer arrive: a dial begins anew at once, a
// session ends with a PADT from the address before. Not to be called where the client has an
// address of its own.
func (c *Client) SetLinkAddr(a wire.Addr) {
	c.mu.Lock()
	before := c.address
	c.address = a
	d := c.dialer
	c.mu.Unlock()
	if a != before && d != nil {
		d.loop.call(func(now time.Time) { d.addressChanged(now, a) })
	}
}

// Counters are those of the session that is open; ok: there is one.
func (c *Client) Counters() (n datapath.Counters, ok bool) {
	c.mu.Lock()
	d := c.dialer
	c.mu.Unlock()
	if d == nil {
		return datapath.Counters{}, false
	}
	id := uint16(d.sessionID.Load())
	return d.loop.path.Counters(id), id != 0
}

// reportLink says how the interface is, if it has changed while there was no dial to say so.
func (c *Client) reportLink() (link LinkState) {
	link = c.linkState()
	if link != c.reportedLink {
		c.reportedLink = link
		c.notify(LinkChanged{State: link})
	}
	return link
}

func (c *Client) wake() {
	select {
	case c.wakeup <- struct{}{}:
	default: // it is awake
	}
}

func (c *Client) takeRedial() (asked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked, c.redial = c.redial, false
	return asked
}

func (c *Client) linkState() LinkState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link
}

func (c *Client) linkAddr() wire.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.address
}

// awaitDial waits until a dial makes sense: the interface is there, and there is something
// to be carried. It returns false if the context has ended.
func (c *Client) awaitDial(ctx context.Context) bool {
	if c.cfg.AwaitTraffic != nil {
		c.notify(AwaitingTraffic{})
		c.cfg.AwaitTraffic(ctx)
	}
	for told := false; ctx.Err() == nil; told = true {
		link := c.reportLink()
		if link < LinkDown || !c.backoff.Persist {
			return true
		}
		if !told {
			c.notify(AwaitingLink{})
		}
		select {
		case <-ctx.Done():
		case <-c.wakeup:
		}
	}
	return false
}

// pause waits, unless something happens that makes another dial worth trying.
func (c *Client) pause(ctx context.Context, d time.Duration) bool {
	before := c.linkState()
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
			link := c.reportLink()
			if before != LinkUp && link == LinkUp && c.backoff.authFailures == 0 {
				return true
			}
			before = link
		}
	}
}

// dial is one session from discovery to its end. If the interface's address changes before
// there is a session, discovery begins anew by the new one.
func (c *Client) dial(ctx context.Context) error {
	for {
		if err := c.dialOnce(ctx); !errors.Is(err, errAddressChanged) {
			return err
		}
		if ctx.Err() != nil {
			return &EndError{Reason: userRequest}
		}
	}
}

func (c *Client) dialOnce(ctx context.Context) error {
	c.backoff.linkFailed = false
	address := c.linkAddr()
	ports, err := c.cfg.Listen()
	if err != nil {
		return err
	}
	d := &dialer{cfg: &c.cfg, linkState: &c.reportedLink}
	d.loop = newLoop(c.cfg.Interface, ports, c.cfg.Network, c.cfg.DataPath, c.cfg.Notify, c.cfg.Trace)
	d.loop.owner, d.loop.mss, d.loop.noRemoteAddress = d, c.cfg.MSS, c.cfg.NoRemoteAddress
	// Once the dial has come to its end, so shall the loop.
	ctx, d.finish = context.WithCancel(ctx)
	defer d.finish()
	d.ctx = ctx
	now := time.Now()
	d.newDiscovery(c.backoff.fastRetryWindow(now), c.avoid)
	switch {
	case c.cfg.Attach != nil:
		d.openSession(discovery.Grant{SessionID: c.cfg.Attach.SessionID, AC: c.cfg.Attach.AC})
		c.cfg.Attach = nil
	case len(c.cfg.Stale) > 0:
		d.terminateStale(c.cfg.Stale)
		d.searchAt = now.Add(padtGrace)
		c.cfg.Stale = nil
	default:
		d.search(now)
	}
	if link := c.setDialer(d); link != c.reportedLink { // while the ports were opened
		d.linkChanged(now, link)
	}
	if is := c.linkAddr(); is != address { // likewise
		d.addressChanged(now, is)
	}
	err = d.loop.run(ctx)
	c.setDialer(nil)
	c.cfg.Stale = append(c.cfg.Stale, d.staleSessions()...)
	c.backoff.linkFailed = d.linkFailed
	if d.online {
		c.cfg.Previous = d.configured
	}
	if err != nil {
		return &EndError{Reason: session.Reason{Cause: session.HangUp}, Online: d.online, Err: err}
	}
	return d.end
}

// setDialer has Link and Redial know of a dial, and returns how the interface was until
// then.
func (c *Client) setDialer(d *dialer) LinkState {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dialer = d
	return c.link
}
