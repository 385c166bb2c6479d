package main

import (
	"os/user"
	"slices"
	"testing"
)

// TestScriptsOf: what scripts get in addition to the session.
func TestScriptsOf(t *testing.T) {
	t.Setenv("LOGNAME", "operator")
	c := scriptsOf(parse(t, "eth0", "user", "alice", "name", "host", "ipparam", "p", "linkname", "wan", "set", "MINE=1", "unset", "VRF", "child-timeout", "0",
		"ip-up-script", "/opt/up"), silent())
	slices.Sort(c.Env)
	if want := []string{"LINKNAME=wan", "MINE=1", "PPPLOGNAME=operator", "VRF"}; !slices.Equal(c.Env, want) {
		t.Errorf("variables %q, want %q", c.Env, want)
	}
	if c.User != "alice" || *c.IPParam != "p" || c.Unit != -1 || c.Device != "eth0" || c.Timeout != 0 || c.Paths["ip-up"] != "/opt/up" {
		t.Errorf("%+v", c)
	}
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LOGNAME", "")
	c = scriptsOf(parse(t, "eth0", "name", "host", "unit", "7"), silent())
	if c.IPParam != nil || c.Unit != 7 {
		t.Errorf("%+v", c)
	}
	if want := []string{"PPPLOGNAME=" + who.Username}; !slices.Equal(c.Env, want) || c.User != "host" {
		t.Errorf("variables %q of %s, want %q", c.Env, c.User, want)
	}
}
