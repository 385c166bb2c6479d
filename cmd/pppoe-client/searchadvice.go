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

// adviseSearch logs why discovery has failed, as far as that is known, and what to try next.
func (p *program) adviseSearch(event pppoe.Event) {
	switch e := event.(type) {
	case pppoe.Searching:
		p.log.Info(fmt.Sprintf("No usable answer to PADI on %s for %v, still trying", attachment(p.settings), e.Elapsed))
		p.advise(e.Unmatched)
	case pppoe.DiscoveryTimeout:
		if e.Missing == wire.PADO {
			p.advise(e.Unmatched)
		}
	}
}

func (p *program) advise(unmatched []discovery.Unmatched) {
	for _, line := range searchAdvice(p.settings, unmatched, linkmonitor.Diagnose(p.settings.Interface)) {
		p.log.Warn(line)
	}
}

// searchOptions are the options that restrict discovery, for advice.
var searchOptions = advice.Options{
	Name: "pppoe-ac", Addr: "pppoe-mac", Service: "pppoe-service",
	NoHostUniq: `give host-uniq "", which sends none and requires none`,
}

// searchAdvice returns the lines of advice.
func searchAdvice(s *pppd.Settings, unmatched []discovery.Unmatched, obstacle string) []string {
	silence := fmt.Sprintf("No PADO received: pppoe-discovery -I %s --vlan 1-4094 searches VLANs, tcpdump -eni %s pppoed shows what is sent and received", s.Interface, s.Interface)
	if line := attachment(s); line.VLAN.Depth() > 0 {
		silence = fmt.Sprintf("No PADO received on VLAN %v: pppoe-discovery -I %s --vlan untagged,1-4094 searches all VLANs", line.VLAN, s.Interface)
	}
	return searchOptions.Explain(unmatched, obstacle, silence)
}
