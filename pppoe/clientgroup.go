package pppoe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"upppoe/internal/deadlines"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// ClientGroup dials the sessions of many clients over one pair of ports. It has no goroutine,
// socket or timer per session, and no network devices: packets are exchanged with the program
// (ClientGroupConfig.Receive, Send).
//
// Run and Call may be called concurrently. All other methods may only be called by a function of
// the configuration, or within Call.
type ClientGroup struct {
	cfg  ClientGroupConfig
	wake chan struct{} // capacity 1: a deadline has become earlier

	mu         sync.Mutex // guards the fields below
	now        time.Time  // of the step in progress
	clients    []groupClient
	sessions   map[datapath.Key]*groupClient
	timers     deadlines.Heap[*groupClient]
	early      earlyPackets
	toDial     clientQueue
	toClose    clientQueue
	inProgress int       // clients that are dialling or closing
	nextDial   time.Time // when the rate allows the next dial
	tickAt     time.Time // when to call Tick; zero: never
	armed      time.Time // when Run wakes up; zero: it waits
	closing    bool      // Run ends when all sessions have ended

	out       session.Output // scratch: of the step of one session
	queue     wire.Queue     // scratch: of the step of one discovery
	discovery frameBuffer    // to be sent
	session   frameBuffer    // to be sent
	counters  GroupCounters
	drops     drops
}

// ClientGroupConfig configures a ClientGroup. Its functions are called by one goroutine at a time,
// and must not block; packets and events are valid only until they return.
type ClientGroupConfig struct {
	// Interface is the name of the Ethernet interface, for errors.
	Interface string
	// Ports receive the frames for the addresses of all clients: see
	// afpacket.Attachment.SourcePrefix. They must leave VLAN tags in the frames if a client has any.
	Ports Ports
	// Size is the number of clients; they are numbered from 0.
	Size int
	// Spare is how many of the clients, the last ones, are not dialled by Run, but by Dial only.
	Spare int
	// Client returns the identity of a client. It is called at each dial.
	Client func(client int) GroupClient
	// Discovery selects concentrator and service. HostUniq is replaced: it identifies the client.
	Discovery discovery.ClientConfig
	// Session configures PPP; its Credentials' Name and Secret are those of the client.
	Session session.Config
	// Rate is the maximum number of dials started per second; 0: as MaxInProgress allows.
	Rate float64
	// MaxInProgress is the maximum number of clients that are dialling or closing; default 256.
	MaxInProgress int
	// Notify is called with each event of a client, and when it happened: Dialling, Offered,
	// SessionEstablished, events of package session, Rejected, DiscoveryTimeout, and DialFailed or
	// Ended, the last event of a dial. Nil: events are discarded.
	Notify func(client int, at time.Time, e Event)
	// Receive is called with each IPv4 or IPv6 packet that a client has received. Nil: they are
	// discarded.
	Receive func(client int, at time.Time, packet []byte)
	// Tick is called when Run begins, and then at the time that it has returned last, to the
	// millisecond; zero: never again. Nil: not called.
	Tick func(now time.Time) (next time.Time)
}

// GroupClient is the identity of one client of a ClientGroup.
type GroupClient struct {
	Addr           wire.Addr  // its Ethernet address
	VLAN           vlan.Stack // of its frames
	User, Password string
	AccessLine     wire.AccessLine // sent in its PADIs and PADRs (TR-101), in place of Discovery.AccessLine
}

// Events of a ClientGroup, in addition to those of a Client.
type (
	// Dialling reports that a client begins to dial: its PADI is being sent.
	Dialling struct{ sealed }
	// Offered reports that a client has received an acceptable PADO.
	Offered struct {
		sealed
		Offer discovery.Offer
	}
	// EchoLost reports that an LCP Echo-Request had no answer when the next was sent.
	EchoLost struct{ sealed }
	// DialFailed reports that a client was granted no session; Err wraps ErrDiscovery, or is
	// ErrDialCanceled.
	DialFailed struct {
		sealed
		Err error
	}
)

// ErrDialCanceled is the error of a dial that Hangup, or the end of Run, has ended.
var ErrDialCanceled = errors.New("dial canceled")

// GroupCounters count frames and LCP echoes of all sessions of a group.
type GroupCounters struct {
	SentFrames, ReceivedFrames uint64
	SentEchoes                 uint64 // Echo-Requests
	EchoReplies                uint64 // received, the first to each request
	LostEchoes                 uint64 // Echo-Requests not answered when the next was sent
}

// defaultInProgress keeps the frames in flight below what a socket's receive buffer holds.
const defaultInProgress = 256

// NewClientGroup makes a group. Run begins to dial the clients in order. The error names the field
// of cfg that is wrong.
func NewClientGroup(cfg ClientGroupConfig) (*ClientGroup, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.MaxInProgress == 0 {
		cfg.MaxInProgress = defaultInProgress
	}
	g := &ClientGroup{
		cfg: cfg, wake: make(chan struct{}, 1),
		clients:  make([]groupClient, cfg.Size),
		sessions: make(map[datapath.Key]*groupClient, cfg.Size),
	}
	for i := range g.clients {
		g.clients[i].index = uint32(i)
	}
	return g, nil
}

func (c *ClientGroupConfig) check() error {
	switch {
	case c.Ports.Discovery == nil || c.Ports.Session == nil:
		return errors.New("pppoe: ClientGroupConfig.Ports is not set")
	case c.Client == nil:
		return errors.New("pppoe: ClientGroupConfig.Client is not set: it returns the identity of each client")
	case c.Size < 0 || c.Size > maxGroup:
		return fmt.Errorf("pppoe: ClientGroupConfig.Size is %d, not within 0 and %d", c.Size, maxGroup)
	case c.Spare < 0 || c.Spare > c.Size:
		return fmt.Errorf("pppoe: ClientGroupConfig.Spare is %d, not within 0 and Size, %d", c.Spare, c.Size)
	case c.Rate < 0 || c.MaxInProgress < 0:
		return fmt.Errorf("pppoe: ClientGroupConfig.Rate is %v and MaxInProgress %d: neither may be negative", c.Rate, c.MaxInProgress)
	}
	return c.Discovery.Check("ClientGroupConfig.Discovery")
}

// maxGroup bounds the number of clients of a group.
const maxGroup = 1 << 24

// Run dials the clients, and serves their sessions until the context ends. Then it closes all
// sessions, and returns nil; or the error of a port that was lost. It closes the ports. It may be
// called once.
func (g *ClientGroup) Run(ctx context.Context) error {
	lost := make(chan error, 2)
	// These goroutines end when the ports are closed.
	go func() { lost <- g.read(g.cfg.Ports.Discovery, g.receiveDiscovery) }()
	go func() { lost <- g.read(g.cfg.Ports.Session, g.receiveSession) }()
	defer g.cfg.Ports.Close()
	g.Call(g.start)
	timer := time.NewTimer(0)
	defer timer.Stop()
	done := ctx.Done()
	for {
		select {
		case <-done:
			done = nil
			g.Call(g.closeAll)
		case err := <-lost:
			return fmt.Errorf("%s: %w", g.cfg.Interface, err)
		case <-timer.C:
			g.Call(g.advance)
		case <-g.wake:
		}
		if g.idle() {
			return nil
		}
		g.arm(timer)
	}
}

// start begins the dials of all clients.
func (g *ClientGroup) start(now time.Time) {
	for i := range g.cfg.Size - g.cfg.Spare {
		g.Dial(i)
	}
	if g.cfg.Tick != nil {
		g.tickAt = now
	}
}

// Call runs f with the time. In f, the methods of the group may be called.
func (g *ClientGroup) Call(f func(now time.Time)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = time.Now()
	f(g.now)
	g.finish()
}

// finish completes a step: it starts what may be started, and sends what is queued.
func (g *ClientGroup) finish() {
	g.startQueued()
	g.flush()
	if next := g.deadline(); !next.IsZero() && (g.armed.IsZero() || next.Before(g.armed)) || g.closing && g.isIdle() {
		g.armed = next
		select {
		case g.wake <- struct{}{}:
		default: // Run has not reacted to the last one
		}
	}
}

// timerGranularity bounds how often Run wakes up while many timers expire.
const timerGranularity = time.Millisecond

// arm sets the timer to the next deadline.
func (g *ClientGroup) arm(timer *time.Timer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.armed = g.deadline()
	if g.armed.IsZero() {
		timer.Stop()
		return
	}
	timer.Reset(max(time.Until(g.armed), timerGranularity))
}

// idle reports whether all sessions have ended after closeAll.
func (g *ClientGroup) idle() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closing && g.isIdle()
}

func (g *ClientGroup) isIdle() bool {
	return g.inProgress == 0 && g.toClose.len() == 0 && len(g.sessions) == 0
}
