package ppp_test

import (
	"flag"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/ppptest"
)

var update = flag.Bool("update", false, "write the transcripts")

// end returns an end that negotiates IPv4 addresses: the automaton with IPCP's negotiator.
func end(name string, cfg ipcp.Config, limits ppp.NegotiationLimits) *ppptest.End {
	n := ipcp.New(&cfg)
	return &ppptest.End{
		Name: name, Protocol: ppptest.Automaton{Automaton: ppp.NewAutomaton(n, &limits)},
		Agreed: func() string { return fmt.Sprintf("%v, and the peer %v", n.Agreement().Local, n.Agreement().Remote) },
	}
}

func host(l ppp.NegotiationLimits) *ppptest.End { return end("host", ipcp.Config{}, l) }

func server(l ppp.NegotiationLimits) *ppptest.End {
	return end("server", ipcp.Config{Local: netip.MustParseAddr("192.0.2.1"), Remote: netip.MustParseAddr("192.0.2.10")}, l)
}

// TestTranscripts compares what the automaton sends, and when, with testdata; -update
// writes the files.
func TestTranscripts(t *testing.T) {
	small := ppp.NegotiationLimits{Restart: time.Second, MaxConfigure: 3, MaxTerminate: 1, MaxFailure: 2}
	for name, ends := range map[string][]*ppptest.End{
		"no-answer":    {host(ppp.NegotiationLimits{})},
		"small-limits": {server(small)},
		"one-end":      {server(ppp.NegotiationLimits{})},
		"opening":      {host(ppp.NegotiationLimits{}), server(ppp.NegotiationLimits{})},
		"lossy-link":   {host(ppp.NegotiationLimits{}), server(ppp.NegotiationLimits{})},
		"ending":       {host(ppp.NegotiationLimits{}), server(ppp.NegotiationLimits{})},
	} {
		ppptest.Transcript(t, "testdata/"+name+".txt", *update, ppptest.NewLink(ppp.IPCP, ends...))
	}
}
