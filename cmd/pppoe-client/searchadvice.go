package main

import (
	"fmt"

	"upppoe/internal/advice"
	"upppoe/internal/config/pppd"
	"upppoe/internal/host/linkmonitor"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// adviseSearch says why nobody has given us a session, as far as that can be known from here, and
// what to try next.
func (p *program) adviseSearch(event pppoe.Event) {
	switch e := event.(type) {
	case pppoe.Searching:
		p.log.Info(fmt.Sprintf("No usable answer to PADI on %s for %v, still asking", attachment(p.settings), e.Elapsed))
		p.advise(e.Unmatched)
	case pppoe.DiscoveryTimeout:
		if e.Missing == wire.PADO {
			p.advise(e.Unmatched)
		}
	}
}

func (p *program) advise(unmatched []discovery.Unmatched) {
	for _, line := range searchAdvice(p.settings, unmatched, linkmonitor.Diagnose(p.settings.Interface)) {
		p.log.Info(line)
	}
}

// searchOptions are how a search is narrowed in an options file.
var searchOptions = advice.Options{
	Verb: "say", Name: "pppoe-ac", Addr: "pppoe-mac", Service: "pppoe-service",
	NoHostUniq: `say host-uniq "", which sends none and requires none`,
}

// searchAdvice are the lines of it.
func searchAdvice(s *pppd.Settings, unmatched []discovery.Unmatched, obstacle string) []string {
	nobody := fmt.Sprintf("Nobody answers: pppoe-discovery -I %s --vlan 1-4094 searches VLANs, tcpdump -eni %s pppoed shows what goes out and comes in", s.Interface, s.Interface)
	if line := attachment(s); line.VLAN.Depth() > 0 {
		nobody = fmt.Sprintf("Nobody answers on VLAN %v: pppoe-discovery -I %s --vlan untagged,1-4094 searches all of them", line.VLAN, s.Interface)
	}
	return searchOptions.Explain(unmatched, obstacle, nobody)
}
