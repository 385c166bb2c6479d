package serverconfig

import (
	"fmt"
	"strings"
	"time"
)

var scriptsSection = single[Config]{
	name: "scripts", help: "pppd's scripts, which run for each session.",
	of: func(c *Config) *Config { return c },
	keys: append([]key[Config]{
		{"directory", "--etc", "Directory of the scripts that have no path of their own.",
			at(path("/etc/upppoe"), func(c *Config) *string { return &c.ScriptDirectory })},
		{"parameter", "ipparam", "Last argument of all scripts.",
			at(given(str("TEXT", "a text like \"north\"", nil)), func(c *Config) **string { return &c.Options.IPParam })},
		{"environment", "set unset", "Environment variables of all scripts: \"NAME=VALUE\" sets one, and \"NAME\" removes it.",
			at(list(str("NAME=VALUE", `"NAME=VALUE" or "NAME"`, variable), `a list like ["SITE=north", "LANG"]`), func(c *Config) *[]string { return &c.Options.ScriptEnv })},
		{"timeout", "child-timeout", "Time to wait for scripts when the server ends.",
			at(duration(0, time.Second, "5s"), func(c *Config) *time.Duration { return &c.Options.ChildTimeout })},
	}, scriptKeys()...),
}

// variable accepts NAME or NAME=VALUE.
func variable(s string) error {
	if s == "" || strings.HasPrefix(s, "=") || strings.ContainsRune(s, 0) {
		return errInvalid
	}
	return nil
}

// given is a kind that distinguishes an empty string from none.
func given(k kind[string]) kind[*string] {
	return kind[*string]{k.arg, k.want, func(v value) (*string, error) {
		s, err := k.parse(v)
		return &s, err
	}, func(s *string) string {
		if s == nil {
			return ""
		}
		return quote(*s)
	}, false}
}

// scriptNames are the scripts of a server, with when they run.
var scriptNames = []struct{ name, when string }{
	{"auth-up", "Runs when a client has authenticated itself."},
	{"auth-down", "Runs after that session."},
	{"ip-up", "Runs when IPv4 is up."},
	{"ip-down", "Runs when IPv4 is down."},
	{"ipv6-up", "Runs when IPv6 is up."},
	{"ipv6-down", "Runs when IPv6 is down."},
	{"net-init", "Runs when the device of a session exists, and is waited for."},
	{"net-pre-up", "Runs before any address is configured, and is waited for."},
	{"net-down", "Runs when the device of a session is gone."},
	{"ip-pre-up", "Runs when the IPv4 addresses are set, before the interface is up, and is waited for."},
}

func scriptKeys() (keys []key[Config]) {
	for _, s := range scriptNames {
		keys = append(keys, key[Config]{s.name, s.name + "-script", fmt.Sprintf("%s Default: %s in directory.", s.when, s.name),
			through(path("/etc/upppoe/"+s.name), func(c *Config) string { return c.Options.Scripts[s.name] }, func(c *Config, path string) { c.setScript(s.name, path) })})
	}
	return keys
}

// setScript sets the path of a script; empty: the default.
func (c *Config) setScript(name, path string) {
	if path == "" {
		delete(c.Options.Scripts, name)
	} else {
		c.Options.Scripts[name] = path
	}
}
