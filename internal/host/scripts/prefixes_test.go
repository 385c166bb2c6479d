package scripts

import (
	"fmt"
	"strings"
	"testing"
)

// TestManyPrefixes: scripts run for 16 prefixes at a time, and for another one once one is gone.
func TestManyPrefixes(t *testing.T) {
	p := newTestDir(t)
	p.add(t, PrefixUp, `echo "$DNS6" >%[1]s/servers`)
	s := p.scripts(nil)
	defer s.Close()
	var prefixes []string
	for n := range 17 {
		prefixes = append(prefixes, fmt.Sprintf("2001:db8:%x::/64", n))
	}
	wantUp := func(want int) {
		t.Helper()
		for _, p := range s.upDowns() {
			<-p.settled()
		}
		up := 0
		for _, pair := range s.prefixes {
			if pair.isUp() {
				up++
			}
		}
		if up != want {
			t.Errorf("scripts run for %d prefixes, want %d", up, want)
		}
	}
	s.SetDelegatedPrefixes(info, prefixes[:15], []string{"2001:db8::1", "2001:db8::2"}, nil)
	wantUp(15)
	if servers := p.read(t, "servers"); servers != "2001:db8::1 2001:db8::2\n" {
		t.Errorf("the name servers are %q", servers)
	}
	s.SetDelegatedPrefixes(info, prefixes, nil, nil)
	wantUp(16)
	s.SetDelegatedPrefixes(info, nil, nil, nil)
	wantUp(0)
	s.SetDelegatedPrefixes(info, prefixes[16:], nil, nil) // those that are gone have been deleted
	wantUp(1)
}

// TestPrefixes: scripts run each time a session's prefix changes.
func TestPrefixes(t *testing.T) {
	p := newTestDir(t)
	p.addLogging(t, PrefixUp, PrefixDown)
	s := p.scripts(nil)
	var want []string
	for n := range 3 * maxPrefixes {
		prefix := fmt.Sprintf("2001:db8:%x::/56", n)
		s.SetDelegatedPrefixes(info, []string{prefix}, nil, nil)
		for _, p := range s.upDowns() {
			<-p.settled()
		}
		s.SetDelegatedPrefixes(info, []string{prefix}, nil, nil) // renewed
		s.SetDelegatedPrefixes(info, nil, nil, nil)
		for _, p := range s.upDowns() {
			<-p.settled()
		}
		want = append(want, PrefixUp+" "+prefix, PrefixDown+" "+prefix)
	}
	s.Close()
	if said := p.said(t); said != strings.Join(want, ", ") {
		t.Errorf("ran: %s", said)
	}
	if len(s.prefixes) > 1 {
		t.Errorf("%d prefixes are kept that are gone", len(s.prefixes))
	}
}
