package main

import (
	"errors"
	"iter"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"upppoe/internal/mgmt/metrics"
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// errIsStandby is the answer of a standby machine to requests about sessions.
var errIsStandby = errors.New("this machine is standby: the sessions are at the active one")

// currentServer is the server as the control socket sees it: on a standby machine, there is none.
type currentServer struct{ is atomic.Pointer[pppoe.Server] }

var (
	_ servercontrol.Server = (*currentServer)(nil)
	_ metrics.Source       = (*currentServer)(nil)
)

// Sessions returns no sessions on a standby machine.
func (c *currentServer) Sessions() iter.Seq[pppoe.SessionStatus] {
	if s := c.is.Load(); s != nil {
		return s.Sessions()
	}
	return func(func(pppoe.SessionStatus) bool) {}
}

// Disconnect disconnects a session.
func (c *currentServer) Disconnect(k pppoe.SessionKey, how pppoe.DisconnectMode, why session.Reason) error {
	if s := c.is.Load(); s != nil {
		return s.Disconnect(k, how, why)
	}
	return errIsStandby
}

// ChangePolicy changes the policy of a session.
func (c *currentServer) ChangePolicy(k pppoe.SessionKey, change func(*pppoe.SessionPolicy)) error {
	if s := c.is.Load(); s != nil {
		return s.ChangePolicy(k, change)
	}
	return errIsStandby
}

// Drain has no effect on a standby machine.
func (c *currentServer) Drain(on bool) {
	if s := c.is.Load(); s != nil {
		s.Drain(on)
	}
}

// Stats returns zero on a standby machine.
func (c *currentServer) Stats() pppoe.Stats {
	if s := c.is.Load(); s != nil {
		return s.Stats()
	}
	return pppoe.Stats{}
}

// Pools returns no pools on a standby machine.
func (c *currentServer) Pools() []pppoe.PoolStats {
	if s := c.is.Load(); s != nil {
		return s.Pools()
	}
	return nil
}

// Lookup finds no session on a standby machine.
func (c *currentServer) Lookup(generation uint64) (key pppoe.SessionKey, ok bool) {
	if s := c.is.Load(); s != nil {
		return s.Lookup(generation)
	}
	return key, false
}

// Session finds no session on a standby machine.
func (c *currentServer) Session(key pppoe.SessionKey) (pppoe.SessionStatus, error) {
	if s := c.is.Load(); s != nil {
		return s.Session(key)
	}
	return pppoe.SessionStatus{}, errIsStandby
}

// status returns what the control socket shows of the cluster; nil: there is none.
func (m *clusterMember) status() *servercontrol.Cluster {
	if m == nil {
		return nil
	}
	is := m.elector.Status()
	s := &servercontrol.Cluster{Machine: m.config.ClusterMachine(), Role: servercontrol.Standby, Active: is.Active, Term: is.Term, Records: m.mirror.Len(), Consented: is.ByConsent}
	if is.IsActive {
		s.Role = servercontrol.Active
	}
	if is.Err != nil {
		s.EtcdError = is.Err.Error()
	}
	s.Unwritten = m.unwritten()
	return s
}

// unwritten returns of how many sessions etcd lacks changes.
func (m *clusterMember) unwritten() int {
	if store := m.store.Load(); store != nil {
		return store.Stats().Queued
	}
	return 0
}

// metrics collects the numbers of the cluster.
func (m *clusterMember) metrics() prometheus.Collector {
	return metrics.Cluster{Name: m.config.ClusterPrefix(), Status: m.elector.Status, Unwritten: m.unwritten}
}
