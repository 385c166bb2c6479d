package scripts

import (
	"slices"
	"strings"

	"upppoe/pppoe"
)

// maxPrefixes limits the prefixes for which scripts run at a time.
const maxPrefixes = 16

// SetDelegatedPrefixes sets the IPv6 prefixes that are delegated to the session, and their name
// servers and services: scripts run for new prefixes, and for those that are gone.
func (s *Runner) SetDelegatedPrefixes(l pppoe.SessionInfo, prefixes, servers, services []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for prefix, p := range s.prefixes {
		if !slices.Contains(prefixes, prefix) {
			p.down(nil)
			if p.idle() {
				delete(s.prefixes, prefix)
			}
		}
	}
	for _, prefix := range prefixes {
		p := s.prefixes[prefix]
		if p == nil {
			if len(s.prefixes) >= maxPrefixes {
				continue
			}
			p = newUpDown(s, PrefixUp, PrefixDown)
			s.prefixes[prefix] = p
		}
		if !p.isUp() {
			p.up(&call{
				args: s.args(l.Device, s.cfg.Device, speed, prefix, ""),
				env:  append(append(s.env(l), "PREFIX="+prefix, "DNS6="+strings.Join(servers, " ")), sanitizeValues(services)...),
			})
		}
	}
}
