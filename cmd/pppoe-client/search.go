package main

import (
	"fmt"

	"upppoe/internal/linkwatch"
	"upppoe/internal/pppd"
	"upppoe/pppoe"
)

// adviseSearch says why nobody has given us a session, as far as that can be known from here, and
// what to try next.
func (p *program) adviseSearch(event pppoe.Event) {
	switch e := event.(type) {
	case pppoe.Searching:
		p.log.Info(fmt.Sprintf("No usable answer to PADI on %s for %v, still asking", lineOf(p.settings), e.For))
		p.advise(e.Unmatched)
	case pppoe.Unanswered:
		if e.Missing == pppoe.PADO {
			p.advise(e.Unmatched)
		}
	}
}

func (p *program) advise(unmatched []pppoe.Unmatched) {
	for _, line := range searchAdvice(p.settings, unmatched, linkwatch.Obstacle(p.settings.Interface)) {
		p.log.Info(line)
	}
}

// searchAdvice are the lines of it.
func searchAdvice(s *pppd.Settings, unmatched []pppoe.Unmatched, obstacle string) (lines []string) {
	for _, u := range unmatched {
		lines = append(lines, u.String()+remedy(u))
	}
	switch line := lineOf(s); {
	case obstacle != "":
		lines = append(lines, obstacle)
	case len(unmatched) > 0:
	case line.VLAN.Depth() > 0:
		lines = append(lines, fmt.Sprintf("Nobody answers on VLAN %v: pppoe-discovery -I %s --vlan untagged,1-4094 searches all of them", line.VLAN, s.Interface))
	default:
		lines = append(lines, fmt.Sprintf("Nobody answers: pppoe-discovery -I %s --vlan 1-4094 searches VLANs, tcpdump -eni %s pppoed shows what goes out and comes in", s.Interface, s.Interface))
	}
	return lines
}

// remedy is what can be done about a mismatch.
func remedy(u pppoe.Unmatched) string {
	switch u.Why {
	case pppoe.NoHostUniq:
		return `: say host-uniq "", which sends none and requires none`
	case pppoe.OtherName:
		return ": leave out pppoe-ac, or say this name"
	case pppoe.OtherAddr:
		return ": leave out pppoe-mac, or say this address"
	case pppoe.OtherService:
		if len(u.Services) == 0 {
			return ": leave out pppoe-service"
		}
		return ": leave out pppoe-service, or say one of these"
	}
	return ""
}
