package main

import (
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/state/sessionlog"
)

// status returns what the control socket shows of the store; nil: there is none.
func (s *sessionState) status() *servercontrol.Store {
	if s.store() == nil {
		return nil
	}
	is := s.logStats()
	return &servercontrol.Store{File: s.path, Sessions: is.Sessions, Bytes: is.Bytes, Adopted: s.adopted, Ended: s.notAdopted, Waiting: is.Waiting, Failing: is.Failing}
}

// logStats returns the numbers of the file. There is one.
func (s *sessionState) logStats() sessionlog.Stats { return s.store().Stats() }
