package allactive

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// lease is a lease of etcd.
type lease struct {
	id    LeaseID
	began Time          // when the last successful renewal was begun
	ttl   time.Duration // for which it was granted; 0: that is not known
}

// keepAlive renews the leases, and joins again where that is needed. The error is fatal.
func (m *Member) keepAlive(ctx context.Context) error {
	m.mu.Lock()
	due := m.cfg.Now()-m.live.began >= m.cfg.Timing.Live/4 || !m.joined || m.doubt
	m.mu.Unlock()
	if !due {
		return nil
	}
	if err := m.renew(ctx); err != nil {
		return nil
	}
	m.mu.Lock()
	again := !m.joined || m.doubt
	m.mu.Unlock()
	if !again {
		return nil
	}
	err := m.join(ctx)
	if isFatal(err) {
		m.endAll(err.Error())
		return err
	}
	return nil
}

// renew renews both leases. The error is why etcd did not answer.
func (m *Member) renew(ctx context.Context) error {
	m.mu.Lock()
	hold, live := m.hold.id, m.live.id
	m.mu.Unlock()
	for _, of := range []struct {
		id   LeaseID
		kept func(began Time, ttl time.Duration)
	}{{hold, m.holdRenewed}, {live, func(began Time, _ time.Duration) { m.live.began = began }}} {
		if of.id == 0 {
			continue
		}
		began := m.cfg.Now()
		ttl, err := m.renewLease(ctx, of.id)
		m.mu.Lock()
		switch {
		case errors.Is(err, ErrNoLease):
			m.joined = false
		case err == nil:
			of.kept(began, ttl)
		}
		m.mu.Unlock()
		if err != nil && !errors.Is(err, ErrNoLease) {
			return err
		}
	}
	return nil
}

// renewLease renews a lease, returns for how long, and notes the revision of etcd.
func (m *Member) renewLease(ctx context.Context, id LeaseID) (ttl time.Duration, err error) {
	err = m.requestOf(ctx, true, func(ctx context.Context) (err error) {
		var revision int64
		ttl, revision, err = m.cfg.Store.Renew(ctx, id)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.revision = max(m.revision, revision)
		return err
	})
	return ttl, err
}

// holdRenewed moves the deadline. m.mu is held.
func (m *Member) holdRenewed(began Time, ttl time.Duration) {
	if m.joined {
		m.hold.began, m.hold.ttl = began, ttl
		m.cfg.Fence(m.deadline())
	}
}

// deadline is until when this machine may send. A lease that an earlier program was granted may end before Hold,
// if that was less then. m.mu is held.
func (m *Member) deadline() Time {
	ends := m.cfg.Timing.Hold
	if m.hold.ttl != 0 {
		ends = min(ends, m.hold.ttl)
	}
	return m.hold.began + ends - m.cfg.Timing.Guard
}

// checkDeadline ends all sessions Guard before nothing can be sent any more.
func (m *Member) checkDeadline() {
	m.mu.Lock()
	over := !m.expired && m.cfg.Now() >= m.deadline()-m.cfg.Timing.Guard
	m.mu.Unlock()
	if over {
		m.cfg.Log.Error(fmt.Sprintf("cluster: etcd does not answer for %v: all sessions end, as others may have their addresses from then on", m.cfg.Timing.Hold-2*m.cfg.Timing.Guard))
		m.endAll("the machine is cut off from the cluster")
	}
}

// endAll ends all sessions, and forgets the blocks.
func (m *Member) endAll(why string) {
	m.mu.Lock()
	m.expired, m.joined, m.ready = true, false, false
	sessions := m.sessions
	var lost []netip.Prefix
	for _, p := range m.pools {
		for block := range p.own {
			lost = append(lost, block)
		}
	}
	m.mu.Unlock()
	m.admit()
	m.keep()
	if sessions != nil {
		sessions.EndAll(why)
	}
	for _, block := range lost {
		m.forget(block)
	}
}
