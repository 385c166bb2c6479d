package scripts

import (
	"slices"
	"strings"

	"upppoe/pppoe"
)

// SetDHCP6Services says what DHCPv6 has told of the services that were asked for, as variables: dhcp6-up
// runs when there is something, dhcp6-down when there is not, and both when it is something else.
func (s *Runner) SetDHCP6Services(l pppoe.SessionInfo, servers, services []string) {
	if len(services) == 0 {
		s.dhcp6.down(nil)
		return
	}
	c := &call{
		args: s.args(l.Device, s.cfg.Device, speed, "", ""),
		env:  append(s.env(l), "DNS6="+strings.Join(servers, " ")),
	}
	c.env = append(c.env, sanitizeValues(services)...)
	if is := s.dhcp6.desiredCall(); is == nil || !slices.Equal(is.args, c.args) || !slices.Equal(is.env, c.env) {
		s.dhcp6.up(c)
	}
}

// sanitizeValues are variables whose values a server has chosen: see safe.
func sanitizeValues(env []string) (out []string) {
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		out = append(out, name+"="+sanitize(value))
	}
	return out
}
