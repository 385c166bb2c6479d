package serverconfig

import (
	"slices"
	"time"
)

var authenticationSection = single[Config]{
	name: "authentication", help: "How clients authenticate themselves, and the files of their accounts.",
	of: func(c *Config) *Config { return c },
	keys: []key[Config]{
		{"methods", "auth noauth require-chap require-mschap-v2 require-pap require-eap", "Methods that clients may use, of which the first that client and server have in common is used. An empty list: clients need not authenticate themselves.",
			through(methods, requiredMethods, setRequiredMethods)},
		{"chap-secrets", "chap-secrets --etc", "File of accounts for CHAP, MS-CHAPv2 and EAP, which must be readable by the server's user only.",
			atDefault(path("/etc/upppoe/chap-secrets"), func(c *Config) *string { return &c.Options.CHAPSecrets }, "/etc/ppp/chap-secrets")},
		{"pap-secrets", "pap-secrets --etc", "File of accounts for PAP.",
			atDefault(path("/etc/upppoe/pap-secrets"), func(c *Config) *string { return &c.Options.PAPSecrets }, "/etc/ppp/pap-secrets")},
		{"own-methods", "refuse-chap refuse-mschap-v2 refuse-pap refuse-eap refuse-mschap", "Methods by which the server authenticates itself, if a client requires it and the files have a secret of the server.",
			through(methods, ownMethods, setOwnMethods)},
		{"restart", "chap-restart pap-restart", "Time until a challenge is sent again.",
			atDefault(duration(time.Second, time.Second, "3s"), func(c *Config) *time.Duration { return &c.Options.AuthTimers.Restart }, 3*time.Second)},
		{"max-transmit", "chap-max-challenge pap-max-authreq", "Maximum number of transmissions of a challenge.",
			atDefault(number(1, 1<<16, "10"), func(c *Config) *int { return &c.Options.AuthTimers.MaxTransmit }, 10)},
		{"timeout", "chap-timeout pap-timeout", "Time to wait for a client's first packet of authentication; \"none\": without limit. Default: 30 s for PAP, 60 s for our own authentication.",
			at(timeout, func(c *Config) *time.Duration { return &c.Options.AuthTimers.Timeout })},
		{"challenge-interval", "chap-interval", "Time after which a client is challenged again; 0: never.",
			at(duration(0, time.Second, "1h"), func(c *Config) *time.Duration { return &c.Options.AuthTimers.Rechallenge })},
	},
}

// timeout is a time that is not written if it is 0, and negative for none.
var timeout = func() kind[time.Duration] {
	usual := duration(time.Second, time.Second, "30s")
	return kind[time.Duration]{usual.arg, usual.want + `, or "none"`, func(v value) (time.Duration, error) {
		if v.data == "none" {
			return -1, nil
		}
		return usual.parse(v)
	}, func(d time.Duration) string {
		switch {
		case d < 0:
			return `"none"`
		case d == 0:
			return ""
		}
		return usual.text(d)
	}, false}
}()

// methodNames are the methods, in order of preference.
var methodNames = []string{"eap", "mschap-v2", "chap", "pap"}

// methods is a list of methods, in any order.
var methods = list(oneOf("METHOD", methodNames, methodNames...), `a list like ["chap", "pap"], of "eap", "mschap-v2", "chap" and "pap"`)

func requiredMethods(c *Config) []string {
	s := c.Options
	return methodsWith(func(m string) bool { return slices.Contains(s.Require, m) || s.Auth && len(s.Require) == 0 })
}

// methodsWith returns those that a function selects, in order.
func methodsWith(is func(string) bool) (names []string) {
	for _, m := range methodNames {
		if is(m) {
			names = append(names, m)
		}
	}
	return names
}

func setRequiredMethods(c *Config, names []string) {
	s := c.Options
	s.Auth, s.NoAuth = len(names) > 0, len(names) == 0
	s.Require = methodsWith(func(m string) bool { return slices.Contains(names, m) })
	if len(s.Require) == len(methodNames) {
		s.Require = nil
	}
}

func ownMethods(c *Config) []string {
	return methodsWith(func(m string) bool { return !slices.Contains(c.Options.Refuse, m) })
}

func setOwnMethods(c *Config, names []string) {
	s := c.Options
	s.Refuse = methodsWith(func(m string) bool { return !slices.Contains(names, m) })
	if len(s.Refuse) > 0 { // without any other, pppd would use MS-CHAPv1
		s.Refuse = append(s.Refuse, "mschap")
	}
}
