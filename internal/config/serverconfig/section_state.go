package serverconfig

import "strings"

// DefaultState is the usual path of the store of sessions.
const DefaultState = "/var/lib/upppoe/sessions.log"

// NoState is the value of State.File for none.
const NoState = "none"

var stateSection = single[State]{
	name: "state", help: "The store of sessions, by which the next start of the program continues those of one that was killed, without a new login.",
	of: func(c *Config) *State { return &c.State },
	keys: []key[State]{
		{"file", "--state", "The file; \"none\": sessions are not stored. Each server needs one of its own: a second one that uses the default goes on without, and says so in the log. Default: " + DefaultState + " with a configuration file, and none with flags.",
			fixed(at(str("PATH", "an absolute path like \"/var/lib/upppoe/bng1.log\", or \"none\"", statePath), func(s *State) *string { return &s.File }))},
		{"adopt", "--no-adopt", "Continue the sessions of the store at the start. Otherwise their clients are sent a PADT.",
			fixed(at(boolean, func(s *State) *bool { return &s.Adopt }))},
		{"conflicts", "", "What to do at the start with a session that contradicts the configuration: its address is not in the pools any more, or its account is gone. keep: it goes on until it ends; end: its client is sent a PADT.",
			fixed(at(oneOf("POLICY", []string{"keep", "end"}, false, true), func(s *State) *bool { return &s.EndConflicts }))},
	},
}

func statePath(s string) error {
	if s != NoState && !strings.HasPrefix(s, "/") {
		return errInvalid
	}
	return nil
}
