package datapath

import "net/netip"

// offloadedShared is a session of a SharedDevice in the Path and in the Offload, which it is added to
// at once: it has no state that the Offload must be given later.
type offloadedShared struct {
	Session
	path      *offloadedPath
	offloaded OffloadSession
	policed   bool // the Path has the token buckets of the Offload
}

// addShared adds a session of a SharedDevice, which the Path has, to the Offload.
func (p *offloadedPath) addShared(s Session, c SessionConfig) Session {
	offloaded, err := p.offload.Add(c)
	p.report(c, err)
	if err != nil {
		return s
	}
	return &offloadedShared{Session: s, path: p, offloaded: offloaded}
}

// report reports why the Offload does not carry the session.
func (s *offloadedShared) report(why error) {
	if e, is := s.Session.(interface{ config() SessionConfig }); is {
		s.path.report(e.config(), why)
	}
}

// SetFamilies sets the families of both: see offloadedSession.SetFamilies.
func (s *offloadedShared) SetFamilies(ipv4, ipv6 bool) {
	s.offloaded.SetFamilies(ipv4, ipv6)
	s.Session.SetFamilies(ipv4, ipv6)
}

// SetSourceFilter sets the source filter of both, of the Path first: packets may be left to it.
func (s *offloadedShared) SetSourceFilter(from *SourceFilter) {
	s.Session.SetSourceFilter(from)
	if err := s.offloaded.SetSourceFilter(from); err != nil {
		s.report(err)
	}
}

// SetRates sets the rates of both, of the Offload first: the buckets of a new rate are full there.
func (s *offloadedShared) SetRates(up, down Rate) {
	s.path.mu.Lock()
	defer s.path.mu.Unlock()
	s.offloaded.SetRates(up, down)
	if !s.policed {
		s.policed = true
		shareBuckets(s.Session, s.offloaded)
	}
	s.Session.SetRates(up, down)
}

// SetPrefixes sets the prefixes of both, of the Path first, which may refuse them.
func (s *offloadedShared) SetPrefixes(all []netip.Prefix) error {
	if err := s.Session.SetPrefixes(all); err != nil {
		return err
	}
	if e, is := s.Session.(*entry); is {
		all = e.routedPrefixes() // a slice is kept in memory once
	}
	if err := s.offloaded.SetPrefixes(all); err != nil {
		s.report(err)
	}
	return nil
}

// SetMTU sets the MTU of both, of the Path first: longer packets are left to it.
func (s *offloadedShared) SetMTU(octets int) {
	s.Session.SetMTU(octets)
	s.offloaded.SetMTU(octets)
}

// Remove removes the session from both.
func (s *offloadedShared) Remove() Counters {
	s.offloaded.Remove()
	return s.Session.Remove().Plus(s.offloaded.Counters())
}

// Counters returns the sum of both.
func (s *offloadedShared) Counters() Counters {
	return s.Session.Counters().Plus(s.offloaded.Counters())
}

// AddCounters adds to the counters of the Path what those of the Offload do not have.
func (s *offloadedShared) AddCounters(c Counters) {
	s.Session.AddCounters(c.without(s.offloaded.Counters()))
}
