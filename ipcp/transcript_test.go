package ipcp_test

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"testing"

	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/ppptest"
)

var update = flag.Bool("update", false, "write the transcripts")

func end(name string, cfg ipcp.Config) (*ppptest.End, *ipcp.Negotiator) {
	n := ipcp.New(&cfg)
	return &ppptest.End{
		Name: name, Protocol: ppptest.Automaton{Automaton: ppp.NewAutomaton(n, &cfg.Limits)},
		Agreed: func() string { return format(n.Agreement()) },
	}, n
}

// format formats an agreement for transcripts.
func format(a ipcp.Agreement) string {
	text := fmt.Sprintf("%v, and the peer %v", a.Local, a.Remote)
	for i, s := range [...]netip.Addr{a.DNS[0], a.DNS[1], a.NBNS[0], a.NBNS[1]} {
		if s.IsValid() {
			text += fmt.Sprintf(", %s %v", [...]string{"DNS", "second DNS", "WINS", "second WINS"}[i], s)
		}
	}
	return text
}

// TestTranscripts compares IPCP's packets with testdata, and checks Err at the end; -update
// writes the files.
func TestTranscripts(t *testing.T) {
	addr := netip.MustParseAddr
	server := ipcp.Config{Local: addr("192.0.2.1"), Remote: addr("192.0.2.10")}
	withServers := server
	withServers.DNS = [2]netip.Addr{addr("192.0.2.53"), addr("192.0.2.54")}
	withServers.NBNS = [2]netip.Addr{addr("192.0.2.137")}
	fixed := ipcp.Config{Local: addr("192.0.2.10")}
	acceptLocal := fixed
	acceptLocal.AcceptLocal = true
	for _, c := range []struct {
		name string
		cfg  ipcp.Config
		want error
	}{
		{"host", ipcp.Config{}, nil},
		{"host-dns", ipcp.Config{RequestDNS: true}, nil},
		{"host-dns-rejected", ipcp.Config{RequestDNS: true, RequestNBNS: true}, nil},
		{"host-fixed", fixed, ipcp.ErrLocalRefused},
		{"host-accept-local", acceptLocal, nil},
		{"host-without-address", ipcp.Config{}, ipcp.ErrNoLocal},
		{"host-without-peer", ipcp.Config{}, ipcp.ErrNoRemote},
		{"host-same-address", ipcp.Config{}, ipcp.ErrSameAddress},
		{"server", server, nil},
		{"server-silent-peer", server, nil},
		{"server-addr-rejected", server, nil},
		{"server-dns", withServers, nil},
		{"server-rejects", server, nil},
		{"server-limits", ipcp.Config{Local: server.Local, Remote: server.Remote, Limits: ppp.NegotiationLimits{MaxFailure: 2}}, nil},
	} {
		e, n := end("end", c.cfg)
		ppptest.Transcript(t, "testdata/"+c.name+".txt", *update, ppptest.NewLink(ppp.IPCP, e))
		if e.State() != ppp.Opened || !errors.Is(n.Err(), c.want) {
			t.Errorf("%s: it is %v, %v; want Opened, %v", c.name, e.State(), n.Err(), c.want)
		}
	}
}

// TestTranscriptOfBoth: a host and a server.
func TestTranscriptOfBoth(t *testing.T) {
	host, _ := end("host", ipcp.Config{RequestDNS: true})
	server, _ := end("server", ipcp.Config{
		Local: netip.MustParseAddr("192.0.2.1"), Remote: netip.MustParseAddr("192.0.2.10"),
		DNS: [2]netip.Addr{netip.MustParseAddr("192.0.2.53")},
	})
	ppptest.Transcript(t, "testdata/both.txt", *update, ppptest.NewLink(ppp.IPCP, host, server))
}
