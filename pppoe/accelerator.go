package pppoe

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
	// Counters are those of a tunnel since Add, of what has not come by the Path.
	Counters(sessionID uint16) Counters
	// Remove forgets a tunnel, whose device is closed only afterwards.
	Remove(sessionID uint16) Counters
}

// accelerated is a Path with an Accelerator beside it. What either has moved counts.
type accelerated struct {
	Path
	fast Accelerator
	// slow is told of a session that the Accelerator does not take, and why.
	slow func(sessionID uint16, why error)
}

// accelerate puts an Accelerator, if there is one, beside a path.
func accelerate(p Path, fast Accelerator, slow func(sessionID uint16, why error)) Path {
	if fast == nil {
		return p
	}
	return &accelerated{p, fast, slow}
}

// Add takes up a tunnel on both: what one does not take, the other does.
func (a *accelerated) Add(t Tunnel) error {
	if err := a.Path.Add(t); err != nil {
		return err
	}
	if err := a.fast.Add(t); err != nil {
		a.slow(t.SessionID, err)
	}
	return nil
}

// Allow tells both. A family that closes is closed first where packets are fastest.
func (a *accelerated) Allow(id uint16, ipv4, ipv6 bool) {
	a.fast.Allow(id, ipv4, ipv6)
	a.Path.Allow(id, ipv4, ipv6)
}

// Counters are those of both.
func (a *accelerated) Counters(id uint16) Counters {
	return a.Path.Counters(id).plus(a.fast.Counters(id))
}

// Remove forgets a tunnel on both.
func (a *accelerated) Remove(id uint16) Counters {
	fast := a.fast.Remove(id)
	return a.Path.Remove(id).plus(fast)
}

func (c Counters) plus(d Counters) Counters {
	return Counters{
		SentPackets: c.SentPackets + d.SentPackets, SentBytes: c.SentBytes + d.SentBytes,
		ReceivedPackets: c.ReceivedPackets + d.ReceivedPackets, ReceivedBytes: c.ReceivedBytes + d.ReceivedBytes,
		Dropped: c.Dropped + d.Dropped,
	}
}
