package main

import (
	"iter"

	"upppoe/internal/state"
	"upppoe/internal/state/etcdstore"
	"upppoe/internal/state/sessionlog"
)

// clusterStore is the store of an active machine: what earlier ones have left in etcd is in the mirror.
type clusterStore struct {
	*etcdstore.Store
	mirror *etcdstore.Mirror
	found  sessionlog.Found
}

var _ recordStore = clusterStore{}

// Records returns what earlier machines have left.
func (s clusterStore) Records() iter.Seq2[state.Generation, state.Record] { return s.mirror.Records() }

// Found describes it. Records are of no boot: another machine has been started.
func (s clusterStore) Found() sessionlog.Found { return s.found }

// termGenerations is how many sessions may begin in a term. Generations of different terms differ, also from
// those of sessions that have ended.
const termGenerations = 1 << 32

// use makes a machine that has become active keep its sessions in etcd.
func (s *sessionState) use(m *clusterMember) {
	s.etcd = clusterStore{m.store.Load(), m.mirror, sessionlog.Found{
		Sessions: m.mirror.Len(), SameBoot: true, Created: m.elector.Created(), Largest: m.elector.Term() * termGenerations,
	}}
}
