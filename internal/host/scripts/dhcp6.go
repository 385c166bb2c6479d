package scripts

import (
	"slices"
	"strings"

	"upppoe/pppoe"
)

// SetDHCP6Services sets the services that DHCPv6 has returned, as variables: dhcp6-up runs when
// there are any, dhcp6-down when there are none any more, and both when they change.
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
	if current := s.dhcp6.desiredCall(); current == nil || !slices.Equal(current.args, c.args) || !slices.Equal(current.env, c.env) {
		s.dhcp6.up(c)
	}
}
