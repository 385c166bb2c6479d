package pppoe

import (
	"errors"
	"sync"
	"time"
)

// An Accelerator moves packets of open sessions where the Path need not: in the kernel
// (package internal/fastpath), or nowhere, in a test. It may leave any packet to the Path,
// which holds every session as well, and so can always do without.
//
// Methods may be called concurrently.
type Accelerator interface {
	// Add takes up a tunnel, over which nothing flows until Allow says so. Its
	// device stays the caller's. After an error the session is the Path's alone.
	Add(Tunnel) error
	// Allow says which families may flow: those whose control protocol is open. Of a
	// session that it does not have it is not told anything, and the like below.
	Allow(sessionID uint16, ipv4, ipv6 bool)
	// Guard says where packets from the peer may come from: see Path.Guard. What it cannot
	// check it leaves to the Path, and says so in its error.
	Guard(sessionID uint16, from *Sources) error
	// Counters are those of a tunnel since Add, of what has not come by the Path.
	Counters(sessionID uint16) Counters
	// Remove forgets a tunnel, whose device is closed only afterwards.
	Remove(sessionID uint16) Counters
	// About tells, for a log, how packets are moved and why not in a faster way.
	About() string
}

// accelerated is a Path with an Accelerator beside it. What either has moved counts.
//
// An Accelerator may take its time to take a tunnel up (the kernel waits until all its
// processors have seen a new program, and nobody can set addresses meanwhile). So it is
// asked when the first packets may flow, of one session after the other, with time for
// others in between; and nobody waits for it: the Path carries a session until then.
type accelerated struct {
	Path
	fast Accelerator
	// decided is told of a session whether the Accelerator takes it (nil), or why not, or
	// why not all of it.
	decided func(sessionID uint16, why error)

	mu      sync.Mutex
	boosts  map[uint16]*boost
	waiting []*boost // those that it has yet to be asked of, in order
	asking  bool     // somebody asks
}

// boost is what an Accelerator has of a session. It is guarded by the lock of its
// accelerated.
type boost struct {
	tunnel     Tunnel
	ipv4, ipv6 bool
	from       *Sources
	told       string // what the Accelerator leaves to the Path
	limited    bool
	left       bool          // to the Path, since it was limited when its turn came
	waits      bool          // for its turn, or has had it
	asked      bool          // its turn has come
	ready      bool          // it has been taken up
	done       chan struct{} // closed when that is decided
}

// What a session's own Terms keep from an Accelerator.
var (
	// ErrLimited is why a session is not given to one: that would not heed a Rate.
	ErrLimited = errors.New("the session's rate is limited, which is done there")
	// ErrChecked is why one leaves packets from the peer to the Path (wrapped, with which).
	ErrChecked = errors.New("whose source is checked there")
)

// accelerate puts an Accelerator, if there is one, beside a path.
func accelerate(p Path, fast Accelerator, decided func(sessionID uint16, why error)) Path {
	if fast == nil {
		return p
	}
	return &accelerated{Path: p, fast: fast, decided: decided, boosts: make(map[uint16]*boost)}
}

// Add takes up a tunnel on both: what one does not take, the other does.
func (a *accelerated) Add(t Tunnel) error {
	if err := a.Path.Add(t); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.boosts[t.SessionID] = &boost{tunnel: t, done: make(chan struct{})}
	return nil
}

// An Accelerator may keep others from setting addresses while it takes a session up, which
// come first.
const (
	// settling is how long both families of a session that is new have for theirs.
	settling = 200 * time.Millisecond
	// rest is how many times as long as the Accelerator took for a session others have before
	// the next, when a thousand dial at once.
	rest = 4
)

// askAll asks of those that wait, in turn, until nobody does.
func (a *accelerated) askAll() {
	time.Sleep(settling)
	for b, limited := a.next(); b != nil; b, limited = a.next() {
		began := time.Now()
		a.ask(b, limited)
		time.Sleep(rest * time.Since(began))
	}
}

// next is whose turn it is; nil: nobody's.
func (a *accelerated) next() (b *boost, limited bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.waiting) > 0 {
		b, a.waiting = a.waiting[0], a.waiting[1:]
		if a.boosts[b.tunnel.SessionID] == b { // else it is removed
			b.asked, b.left = !b.limited, b.limited
			return b, b.limited
		}
	}
	a.asking, a.waiting = false, nil
	return nil, false
}

// ask has the Accelerator take a tunnel up.
func (a *accelerated) ask(b *boost, limited bool) {
	if limited {
		a.decided(b.tunnel.SessionID, ErrLimited)
		return
	}
	defer close(b.done)
	err := a.fast.Add(b.tunnel)
	a.decided(b.tunnel.SessionID, err)
	if err == nil {
		a.start(b)
	}
}

// start tells the Accelerator what it has missed.
func (a *accelerated) start(b *boost) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b.ready = true
	if b.from != nil {
		a.guard(b)
	}
	if b.ipv4 || b.ipv6 {
		a.open(b)
	}
}

// open says which families may flow through the Accelerator: none, of a session with a Rate,
// whose packets are left to the Path. The lock is held.
func (a *accelerated) open(b *boost) {
	a.fast.Allow(b.tunnel.SessionID, b.ipv4 && !b.limited, b.ipv6 && !b.limited)
}

// guard tells the Accelerator where packets may come from, and whoever wants to know what it
// leaves to the Path, if that is news. The lock is held.
func (a *accelerated) guard(b *boost) {
	id := b.tunnel.SessionID
	if err := a.fast.Guard(id, b.from); err != nil && err.Error() != b.told {
		b.told = err.Error()
		// Ends when that is told: whoever is told may be the caller.
		go a.decided(id, err)
	}
}

// Allow tells both. A family that closes is closed first where packets are fastest.
func (a *accelerated) Allow(id uint16, ipv4, ipv6 bool) {
	a.mu.Lock()
	if b := a.boosts[id]; b != nil {
		b.ipv4, b.ipv6 = ipv4, ipv6
		switch {
		case b.ready:
			a.open(b)
		case !b.waits && (ipv4 || ipv6):
			b.waits = true
			a.await(b)
		}
	}
	a.mu.Unlock()
	a.Path.Allow(id, ipv4, ipv6)
}

// await has a session's turn come. The lock is held.
func (a *accelerated) await(b *boost) {
	a.waiting = append(a.waiting, b)
	if !a.asking {
		a.asking = true
		// Ends when nobody waits any more.
		go a.askAll()
	}
}

// Guard tells both, the Path first: packets may be left to it.
func (a *accelerated) Guard(id uint16, from *Sources) {
	a.Path.Guard(id, from)
	a.mu.Lock()
	defer a.mu.Unlock()
	if b := a.boosts[id]; b != nil {
		if b.from = from; b.ready {
			a.guard(b)
		}
	}
}

// Limit bounds what a tunnel carries, which then is the Path's alone. Without a bound the
// Accelerator has it again, or is asked for the first time.
func (a *accelerated) Limit(id uint16, up, down Rate) {
	a.Path.Limit(id, up, down)
	a.mu.Lock()
	defer a.mu.Unlock()
	b, limited := a.boosts[id], up.Bits > 0 || down.Bits > 0
	if b == nil || b.limited == limited {
		return
	}
	b.limited = limited
	switch {
	case b.ready:
		a.open(b)
		// Ends when that is told: the caller may be who is told.
		go a.decided(id, b.why())
	case b.left:
		b.left, b.waits = false, false
	}
}

// why is what keeps a session that the Accelerator has from being moved by it.
func (b *boost) why() error {
	if b.limited {
		return ErrLimited
	}
	return nil
}

// Remove forgets a tunnel on both.
func (a *accelerated) Remove(id uint16) Counters {
	a.mu.Lock()
	b := a.boosts[id]
	delete(a.boosts, id)
	if b != nil {
		b.ipv4, b.ipv6 = false, false
	}
	asked := b != nil && b.asked
	a.mu.Unlock()
	var fast Counters
	if asked {
		<-b.done
		if b.ready {
			fast = a.fast.Remove(id)
		}
	}
	return a.Path.Remove(id).plus(fast)
}

// Counters are those of both.
func (a *accelerated) Counters(id uint16) Counters {
	return a.Path.Counters(id).plus(a.fast.Counters(id))
}

func (c Counters) plus(d Counters) Counters {
	return Counters{
		SentPackets: c.SentPackets + d.SentPackets, SentBytes: c.SentBytes + d.SentBytes,
		ReceivedPackets: c.ReceivedPackets + d.ReceivedPackets, ReceivedBytes: c.ReceivedBytes + d.ReceivedBytes,
		Dropped: c.Dropped + d.Dropped, Spoofed: c.Spoofed + d.Spoofed, Exceeded: c.Exceeded + d.Exceeded,
	}
}
