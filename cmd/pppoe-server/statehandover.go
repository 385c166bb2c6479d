package main

import (
	"sync/atomic"

	"upppoe/internal/state"
	"upppoe/internal/state/sessionlog"
)

// liveStore is the store of sessions, which is closed while a successor has it.
type liveStore struct {
	log atomic.Pointer[sessionlog.Log] // nil: there is none
	cfg sessionlog.Config
}

// Put implements state.Store.
func (s *liveStore) Put(of state.Generation, part state.Part, value []byte) {
	s.log.Load().Put(of, part, value)
}

// Delete implements state.Store.
func (s *liveStore) Delete(of state.Generation) { s.log.Load().Delete(of) }

// open opens the store.
func (s *liveStore) open(cfg sessionlog.Config) error {
	log, err := sessionlog.Open(cfg)
	if err == nil {
		s.log.Store(log)
		s.cfg = cfg
	}
	return err
}

// suspend writes everything, and closes the store for a successor; resume opens it again. What is put
// meanwhile is ignored.
func (s *sessionState) suspend() error { return s.store().Close() }

func (s *sessionState) resume() error {
	return s.live.open(s.live.cfg)
}
