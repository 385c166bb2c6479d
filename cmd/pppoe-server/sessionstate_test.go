package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"upppoe/internal/config/serverconfig"
	"upppoe/pppoe"
)

// TestCheckAdoption: a session that contradicts the configuration is kept and logged, or ends, as
// configured; others are kept.
func TestCheckAdoption(t *testing.T) {
	gone := errors.New("the pool is smaller")
	for _, c := range []struct {
		end      bool
		user     string
		conflict error
		want     error
		log      string
	}{
		{false, "alice", nil, nil, ""},
		{true, "alice", nil, nil, ""},
		{true, "", nil, nil, ""}, // it was not asked for its name
		{false, "alice", gone, nil, "the pool is smaller"},
		{true, "alice", gone, gone, ""},
		{false, "bob", nil, nil, "its account is gone"},
		{true, "bob", nil, errNoAccount, ""},
	} {
		var log strings.Builder
		s := &sessionState{
			cfg: serverconfig.State{EndConflicts: c.end}, log: slog.New(slog.NewTextHandler(&log, nil)),
			hasAccount: func(user string) bool { return user == "alice" },
		}
		r := &pppoe.SessionRecord{SessionInfo: pppoe.SessionInfo{User: c.user}}
		if err := s.checkAdoption(r, c.conflict); err != c.want || !strings.Contains(log.String(), c.log) || (c.log == "") != (log.Len() == 0) {
			t.Errorf("%+v: %v, log %q", c, err, log.String())
		}
	}
}
