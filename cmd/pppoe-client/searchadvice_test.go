package main

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// TestSearchAdvice: what is known of a failed discovery, and what to try next.
func TestSearchAdvice(t *testing.T) {
	ac := wire.Addr{2, 0, 0x5e, 0, 0x53, 1}
	found := func(why discovery.Mismatch) []discovery.Unmatched {
		return []discovery.Unmatched{{AC: ac, Name: "ac", Reason: why}}
	}
	for _, c := range []struct {
		words     string
		unmatched []discovery.Unmatched
		obstacle  string
		want      []string
	}{
		{"eth0", nil, "", []string{"No PADO received: pppoe-discovery -I eth0 --vlan 1-4094 searches VLANs, tcpdump -eni eth0 pppoed shows what is sent and received"}},
		{"eth0 vlan 50", nil, "", []string{"No PADO received on VLAN 50: pppoe-discovery -I eth0 --vlan untagged,1-4094 searches all VLANs"}},
		{"eth0", nil, "no cable", []string{"no cable"}},
		{"eth0 pppoe-ac b", found(discovery.WrongACName), "", []string{`02:00:5e:00:53:01 ("ac") answered, but its AC-Name is not the configured one: omit pppoe-ac, or set it to this name`}},
		{"eth0", found(discovery.WrongAddr), "", []string{`02:00:5e:00:53:01 ("ac") answered, but its Ethernet address is not the configured one: omit pppoe-mac, or set it to this address`}},
		{"eth0", found(discovery.WrongService), "", []string{`02:00:5e:00:53:01 ("ac") answered, but it does not offer the configured service: omit pppoe-service`}},
		{"eth0", []discovery.Unmatched{{AC: ac, Name: "ac", Services: []string{"gold"}, Reason: discovery.WrongService}}, "",
			[]string{`02:00:5e:00:53:01 ("ac") answered with service "gold", but it does not offer the configured service: omit pppoe-service, or set it to one of these`}},
		{"eth0", found(discovery.NoHostUniq), "a port of bridge br0", []string{`02:00:5e:00:53:01 ("ac") answered, but its PADO lacks our Host-Uniq tag (RFC 2516 section 5.2): give host-uniq "", which sends none and requires none`, "a port of bridge br0"}},
	} {
		if got := searchAdvice(parse(t, strings.Fields(c.words)...), c.unmatched, c.obstacle); !slices.Equal(got, c.want) {
			t.Errorf("%q, %v, %q: %q, want %q", c.words, c.unmatched, c.obstacle, got, c.want)
		}
	}
}

// TestSearchAdviceEvents: advice is logged after a while and at the end, but not if a PADS is missing.
func TestSearchAdviceEvents(t *testing.T) {
	for _, c := range []struct {
		event pppoe.Event
		want  string // the first line; empty: no advice
		lines int
	}{
		{pppoe.Searching{Elapsed: 10 * time.Second}, "No usable answer to PADI on nowhere0 for 10s, still trying", 2},
		{pppoe.DiscoveryTimeout{Missing: wire.PADO}, "interface nowhere0 does not exist", 1},
		{pppoe.DiscoveryTimeout{Missing: wire.PADS}, "", 0},
		{pppoe.Connected{}, "", 0},
	} {
		var log bytes.Buffer
		p := &program{settings: parse(t, "nic-nowhere0"), log: slog.New(slog.NewTextHandler(&log, nil))}
		p.adviseSearch(c.event)
		if got := log.String(); !strings.Contains(got, c.want) || strings.Count(got, "\n") != c.lines {
			t.Errorf("%#v: %q, want %q and so on", c.event, got, c.want)
		}
	}
}
