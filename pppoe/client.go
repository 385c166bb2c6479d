package pppoe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"upppoe/ppp/session"
)

// ClientConfig is what a Client needs.
type ClientConfig struct {
	// Interface is the name of the Ethernet interface, for messages.
	Interface string
	// Listen opens the ports, anew for each dial: an interface may have gone
	// and come back. It must be set.
	Listen func() (Ports, error)
	// Discovery is which concentrator is wanted.
	Discovery HostConfig
	// Session is what we want of PPP.
	Session session.Config
	// Host is the network of this machine. It must be set.
	Host Host
	// Redial is what happens after a session has ended. The zero value: nothing.
	Redial Redial
	// Notify is told everything that happens, in order, from one goroutine. It
	// must not block, nor keep what it is given beyond the call. Nil: nobody is.
	Notify func(Line, Event)
	// Trace has Notify told of every control packet too.
	Trace bool
}

// Client dials one session, carries its traffic, and dials again as told.
type Client struct {
	cfg ClientConfig
}

// NewClient makes a client; Run has it work.
func NewClient(cfg ClientConfig) *Client {
	if cfg.Notify == nil {
		cfg.Notify = func(Line, Event) {}
	}
	return &Client{cfg: cfg}
}

// ErrDiscovery is wrapped by the error of a dial that found no concentrator, or
// none that would have us.
var ErrDiscovery = errors.New("unable to complete PPPoE Discovery")

// EndError says why a session ended.
type EndError struct {
	Reason session.Reason
	// Online says whether packets of some family could flow before, and Lasted for
	// how long.
	Online bool
	Lasted time.Duration
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

// Run dials, and dials again as Redial says, until the context ends. It returns
// why the last session ended, an *EndError, or why there was none. It leaves
// nothing behind: no session, no device, no goroutine.
//
// Ended by its context, the client says goodbye to the concentrator first, which
// may take Max-Terminate restart periods if that does not answer.
func (c *Client) Run(ctx context.Context) error {
	failures := 0
	for {
		err := c.dial(ctx)
		if failures++; wasOnline(err) {
			failures = 0
		}
		if ctx.Err() != nil || !c.cfg.Redial.again(failures, err) {
			return err
		}
		pause := c.cfg.Redial.pause(err)
		c.cfg.Notify(Line{Interface: c.cfg.Interface}, Waiting{For: pause, After: err})
		if !sleep(ctx, pause) {
			return &EndError{Reason: userRequest}
		}
	}
}

// userRequest is the reason when the context has ended.
var userRequest = session.Reason{Cause: session.UserRequest, Text: "User request"}

func wasOnline(err error) bool {
	end := (*EndError)(nil)
	return errors.As(err, &end) && end.Online
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// dial is one session from discovery to its end.
func (c *Client) dial(ctx context.Context) error {
	ports, err := c.cfg.Listen()
	if err != nil {
		return err
	}
	d := &dialling{cfg: &c.cfg}
	d.loop = newLoop(c.cfg.Interface, ports, c.cfg.Host, c.cfg.Notify, c.cfg.Trace)
	d.loop.owner = d
	// Once the dial has come to its end, so shall the loop.
	ctx, d.finish = context.WithCancel(ctx)
	defer d.finish()
	d.discovery = NewHostDiscovery(ports.Discovery.Addr(), c.cfg.Discovery)
	d.discovery.Start(time.Now(), &d.queue)
	d.loop.sendDiscovery(d.line(), &d.queue)
	if err := d.loop.run(ctx); err != nil {
		return &EndError{Reason: session.Reason{Cause: session.HangUp}, Online: d.online, Err: err}
	}
	return d.end
}

// dialling is the owner of a client's loop: one dial.
type dialling struct {
	cfg       *ClientConfig
	loop      *loop
	discovery *HostDiscovery // nil: done, or given up
	finish    context.CancelFunc
	queue     Queue
	refusal   *Refusal // the last one
	tunnel    *tunnel
	online    bool
	hostErr   error
	end       error
}

var _ owner = (*dialling)(nil)

func (d *dialling) deadline() time.Time {
	if d.discovery == nil {
		return time.Time{}
	}
	return d.discovery.Deadline()
}

// idle says that the dial has come to its end.
func (d *dialling) idle() bool { return d.end != nil || d.tunnel == nil }

// stop says goodbye.
func (d *dialling) stop(now time.Time) {
	d.discovery = nil
	switch {
	case d.tunnel == nil:
		d.fail(&EndError{Reason: userRequest})
	case d.tunnel.reason == nil:
		d.loop.close(now, d.tunnel, userRequest)
	}
}

// fail ends the dial, for the first reason given.
func (d *dialling) fail(err error) {
	d.discovery = nil
	if d.end == nil {
		d.end = err
	}
	d.finish()
}

func (d *dialling) heed(now time.Time, t *tunnel, event Event) {
	switch e := event.(type) {
	case DeviceOpened:
		d.loop.notify(t.Line, Connected{})
		d.loop.up(now, t)
	case Configured:
		d.online = true
	case HostFailed:
		d.hostErr = e.Err
	case Ended:
		d.tunnel = nil
		d.fail(&EndError{Reason: e.Reason, Online: d.online, Lasted: e.Online, Err: d.hostErr})
	}
}

// discover takes a discovery packet: an answer to ours, or the session's end.
func (d *dialling) discover(now time.Time, frame []byte) {
	f, err := ParseDiscoveryFrame(frame)
	if err != nil {
		d.loop.drops.count(err)
		return
	}
	d.loop.tellDiscovery(d.line(), DiscoveryReceived{f})
	if f.Code == PADT {
		d.receivePADT(now, f)
		return
	}
	if d.discovery == nil {
		return
	}
	found, err := d.discovery.Receive(now, f, &d.queue)
	d.loop.drops.count(err)
	d.found(now, found)
}

// receivePADT ends the session, if it is ours and from its concentrator: RFC 2516
// section 5.5, and anybody else's forgery must not.
func (d *dialling) receivePADT(now time.Time, f DiscoveryFrame) {
	t := d.tunnel
	if t == nil || f.SessionID != t.SessionID || f.Src != t.Peer || f.Dst != t.Local || t.reason != nil {
		return
	}
	d.loop.hangUp(now, t, session.Reason{Cause: session.HangUp, Text: "concentrator sent PADT"})
}

func (d *dialling) advance(now time.Time) {
	d.found(now, d.discovery.Advance(now, &d.queue))
}

// found does what discovery has come to.
func (d *dialling) found(now time.Time, f Finding) {
	d.loop.sendDiscovery(d.line(), &d.queue)
	if f.Refusal != nil {
		d.refusal = f.Refusal
		d.loop.notify(d.line(), RefusedByAC{*f.Refusal})
	}
	switch {
	case f.Grant != nil:
		d.begin(*f.Grant)
	case d.discovery.Over() && d.end == nil:
		d.fail(d.discoveryError(f.GaveUp))
	}
}

func (d *dialling) discoveryError(missing Code) error {
	switch {
	case d.refusal != nil:
		return fmt.Errorf("%w: %v refused: %v %s", ErrDiscovery, d.refusal.AC, d.refusal.Tag, Escape(d.refusal.Text))
	case missing == PADS:
		return fmt.Errorf("%w: no answer to PADR (waited for PADS)", ErrDiscovery)
	}
	return fmt.Errorf("%w: no concentrator answered (waited for PADO)", ErrDiscovery)
}

// begin makes the session that discovery has found, and first its device: PPP
// waits for that, so that a machine that cannot have one says so at once.
func (d *dialling) begin(g Grant) {
	d.discovery = nil
	cfg := d.cfg.Session
	cfg.LCP.MaxMRU = max(g.MaxPayload, ethernetPayload)
	d.tunnel = d.loop.begin(Line{SessionID: g.SessionID, Peer: g.AC, ACName: g.ACName, Service: g.Service}, &cfg)
	d.loop.notify(d.tunnel.Line, SessionGranted{g})
	d.tunnel.want.device = true
	d.loop.refit(d.tunnel)
}

// line is the session, or what is known before there is one.
func (d *dialling) line() Line {
	if d.tunnel != nil {
		return d.tunnel.Line
	}
	return Line{Interface: d.cfg.Interface, Local: d.loop.ports.Discovery.Addr()}
}
