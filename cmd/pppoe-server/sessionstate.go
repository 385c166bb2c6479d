package main

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"upppoe/internal/aaa"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/host/undolog"
	"upppoe/internal/state"
	"upppoe/internal/state/sessionlog"
	"upppoe/internal/version"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

var (
	errOtherBoot = errors.New("the machine was started again since")
	errNoAdopt   = errors.New("adoption is off")
	errNoAccount = errors.New("its account is gone")
)

// sessionState is the store of sessions, and what an earlier program has left in it. Without a store its
// methods do nothing.
type sessionState struct {
	cfg   serverconfig.State
	live  liveStore   // which records go to
	etcd  recordStore // of an active machine of a cluster, instead of it; nil: there is none
	begun time.Time   // of the cluster
	path  string
	log   *slog.Logger
	// hasAccount reports whether a user has an account; nil: that is not known.
	hasAccount  func(user string) bool
	sharesPools bool // with other machines

	mu         sync.Mutex
	settled    func()                            // called once when all sessions are adopted or have ended; nil: it was
	inherited  map[state.Generation]state.Record // of sessions that are being adopted
	adopted    int
	notAdopted int
}

// recordStore is a store of sessions, and what an earlier program has left in it.
type recordStore interface {
	state.Store
	state.Loader
	Found() sessionlog.Found
}

// store returns the file of sessions; nil: there is none. It is another one after an upgrade that failed.
func (s *sessionState) store() *sessionlog.Log { return s.live.log.Load() }

// from returns the store that is read, and to the one that is written; nil: there is none.
func (s *sessionState) from() recordStore {
	switch {
	case s.etcd != nil:
		return s.etcd
	case s.store() != nil:
		return s.store()
	}
	return nil
}

func (s *sessionState) to() state.Store {
	switch {
	case s.etcd != nil:
		return s.etcd
	case s.store() != nil:
		return &s.live
	}
	return nil
}

// join is called when the machine takes part in a cluster; nil: there is none. The store follows, by use.
func (s *sessionState) join(m *clusterMember) {
	if m != nil {
		s.begun = m.elector.Created()
	}
}

// openState opens the store. Without the default one, which another server may use, the server runs.
func openState(c *serverconfig.Config, byFile bool, log *slog.Logger) (*sessionState, error) {
	s := &sessionState{cfg: c.State, log: log, sharesPools: c.Cluster.IsAllActive()}
	path := c.State.File
	switch {
	case c.Cluster.IsOn(): // join
		return s, nil
	case path == serverconfig.NoState || path == "" && !byFile:
		return s, nil
	case path == "":
		path = serverconfig.DefaultState
	}
	s.path = path
	boot, err := undolog.BootID()
	if err != nil {
		return nil, err
	}
	err = s.live.open(sessionlog.Config{Path: path, BootID: boot, Program: version.String(), Log: log})
	switch {
	case err == nil:
		return s, nil
	case c.State.File == "":
		log.Warn(fmt.Sprintf("%v: sessions are not stored, and end if this server is killed: give it a file of its own, as file in [state]", err))
		return s, nil
	}
	return nil, fmt.Errorf("%w: give each server a file of its own, as file in [state] or --state", err)
}

// configure makes the server keep its sessions in the store.
func (s *sessionState) configure(cfg *pppoe.ServerConfig) {
	from := s.from()
	if from == nil {
		return
	}
	cfg.Store = sessionStore{s.to()}
	cfg.LastGeneration = from.Found().Largest
	cfg.CheckAdoption = s.checkAdoption
	if files, ok := cfg.Authenticator.(*aaa.FileAuthenticator); ok && len(cfg.Session.LCP.RequireAuth) > 0 {
		s.hasAccount = files.HasAccount
	}
}

// sessionStore is a state.Store as the server wants it.
type sessionStore struct{ state.Store }

func (s sessionStore) PutSession(of uint64, record []byte)  { s.Put(of, state.Session, record) }
func (s sessionStore) PutCounters(of uint64, record []byte) { s.Put(of, state.Counters, record) }
func (s sessionStore) DeleteSession(of uint64)              { s.Delete(of) }

// put keeps a part of a session's record.
func (s *sessionState) put(of state.Generation, part state.Part, value []byte) {
	if to := s.to(); to != nil {
		to.Put(of, part, value)
	}
}

// part returns a part of the record of a session that is being adopted; nil: there is none.
func (s *sessionState) part(of state.Generation, part state.Part) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inherited[of][part]
}

// started returns when the store was made, or now: with the generation of a session it makes an identifier
// that no other session has.
func (s *sessionState) started() time.Time {
	switch {
	case !s.begun.IsZero():
		return s.begun
	case s.store() == nil:
		return time.Now()
	}
	return s.store().Found().Created
}

// checkAdoption decides about a session that contradicts the configuration.
func (s *sessionState) checkAdoption(r *pppoe.SessionRecord, conflict error) error {
	if conflict == nil && s.hasAccount != nil && r.User != "" && !s.hasAccount(r.User) {
		conflict = errNoAccount
	}
	if conflict == nil || s.cfg.EndConflicts || s.sharesPools { // others may have an address that is not of the pools
		return conflict
	}
	s.log.Warn(fmt.Sprintf("user %q, session %d of %v is kept: %v", wire.EscapeName(r.User), r.SessionID, r.Peer, conflict))
	return nil
}

// adopt continues the sessions of the store. notAdopted is called with the others, and settled, by a goroutine,
// once no session is being adopted any more.
func (s *sessionState) adopt(server *pppoe.Server, notAdopted func(pppoe.NotAdopted, state.Record), settled func()) {
	if from := s.from(); from == nil || from.Found().Sessions == 0 {
		s.empty()
		settled()
		return
	}
	begin := time.Now()
	s.inherited = make(map[state.Generation]state.Record)
	report := server.Adopt(s.stored())
	endOnFormerInterfaces(&report)
	for _, n := range report.NotAdopted {
		notAdopted(n, s.inherited[n.Session.Generation])
	}
	s.adopted, s.notAdopted = report.Adopted, len(report.NotAdopted)
	s.logAdoption(report, time.Since(begin))
	s.empty()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range report.NotAdopted {
		delete(s.inherited, n.Session.Generation)
	}
	s.settled = settled
	s.checkSettled()
}

// checkSettled calls settled once, when nothing is being adopted any more. The lock is held.
func (s *sessionState) checkSettled() {
	if s.settled != nil && len(s.inherited) == 0 {
		// Ends soon: it removes what is left.
		go s.settled()
		s.settled = nil
	}
}

// empty makes the store one of this boot. The peers of its sessions have been sent a PADT.
func (s *sessionState) empty() {
	if s.store() == nil || s.store().Found().SameBoot {
		return
	}
	if err := s.store().Reset(); err != nil {
		s.log.Warn(fmt.Sprintf("session store: %v", err))
	}
}

// stored returns the sessions of the store. A record that is that of no session is deleted.
func (s *sessionState) stored() iter.Seq[pppoe.StoredSession] {
	var refused error
	from := s.from()
	switch {
	case !from.Found().SameBoot:
		refused = errOtherBoot
	case !s.cfg.Adopt:
		refused = errNoAdopt
	}
	return func(yield func(pppoe.StoredSession) bool) {
		for of, r := range from.Records() {
			if r[state.Session] == nil {
				from.Delete(of)
				continue
			}
			s.inherited[of] = r
			if !yield(pppoe.StoredSession{Generation: of, Session: r[state.Session], Counters: r[state.Counters], Err: refused}) {
				return
			}
		}
	}
}

// logAdoption logs how many sessions were adopted, and why others were not.
func (s *sessionState) logAdoption(report pppoe.AdoptReport, took time.Duration) {
	told := 0
	why := make(map[string]int)
	for _, n := range report.NotAdopted {
		why[n.Err.Error()]++
		if n.PADT {
			told++
		}
	}
	text := fmt.Sprintf("Adopted %d sessions in %v", report.Adopted, took.Round(time.Millisecond))
	if n := len(report.NotAdopted); n > 0 {
		text += fmt.Sprintf(", and not %d others, of which %d are sent a PADT:", n, told)
		for _, reason := range slices.Sorted(maps.Keys(why)) {
			text += fmt.Sprintf(" %d %s;", why[reason], reason)
		}
	}
	s.log.Info(strings.TrimSuffix(text, ";"))
}

// notify forgets what was inherited of sessions, once they have been adopted or have ended.
func (s *sessionState) notify(l pppoe.SessionInfo, e pppoe.Event) {
	switch e.(type) {
	case pppoe.Adopted, pppoe.Ended:
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.inherited, l.Generation)
		s.checkSettled()
	}
}

func (s *sessionState) close() {
	if s.store() == nil {
		return
	}
	if err := s.store().Close(); err != nil {
		s.log.Warn(fmt.Sprintf("session store: %v", err))
	}
}
