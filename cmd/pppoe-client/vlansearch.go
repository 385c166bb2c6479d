package main

import (
	"context"
	"fmt"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Bounds of the search of VLANs: it takes three seconds, and up to five more for pairs of tags.
const (
	vlanSearchRate    = 2500 // PADIs per second
	vlanSearchTimeout = time.Second
	vlanSearchLimit   = 10 * time.Second
	maxFoundVLANs     = 8
)

// foundVLAN is a concentrator that answers on a VLAN.
type foundVLAN struct {
	vlan vlan.Stack
	name string // escaped
	addr wire.Addr
}

func (f foundVLAN) String() string { return fmt.Sprintf("%s (%v) on VLAN %v", f.name, f.addr, f.vlan) }

// vlanSearch is a search for concentrators on other VLANs than one.
type vlanSearch struct {
	iface  string
	except vlan.Stack
	found  []foundVLAN
	pairs  pairSearch // what was asked of pairs of tags, if nobody answers on a VLAN with one
}

// searchVLANs asks on all VLANs with one tag and without, except one, who answers. If nobody does, it asks on pairs of
// tags: those with tags that are in use, by except and by frames that arrive meanwhile. It needs CAP_NET_RAW.
func searchVLANs(ctx context.Context, iface string, except vlan.Stack) (s vlanSearch, err error) {
	s = vlanSearch{iface: iface, except: except}
	list, err := vlan.ParseList("untagged,1-4094")
	if err != nil {
		return s, err
	}
	ctx, cancel := context.WithTimeout(ctx, vlanSearchLimit)
	defer cancel()
	listener, err := listenForTags(iface)
	if err != nil {
		return s, err
	}
	err = s.ask(ctx, list)
	used := listener.close()
	if err != nil || len(s.found) > 0 {
		return s, err
	}
	if except.Depth() > 0 {
		used = append([]vlan.Stack{except}, used...)
	}
	s.pairs = newPairSearch(used)
	if len(s.pairs.pairs) > 0 {
		err = s.ask(ctx, s.pairs.pairs)
	}
	return s, err
}

// ask sends a PADI on each VLAN of a list, and adds who answers.
func (s *vlanSearch) ask(ctx context.Context, list []vlan.Stack) error {
	port, err := afpacket.OpenTrunk(afpacket.Attachment{Interface: s.iface}, wire.EtherTypeDiscovery)
	if err != nil {
		return err
	}
	cfg := pppoe.ScanConfig{Client: discovery.ClientConfig{Attempts: 1, Timeout: vlanSearchTimeout}, VLANs: list, Rate: vlanSearchRate}
	return pppoe.Scan(ctx, port, cfg, func(r pppoe.ScanResult) {
		if r.VLAN != s.except && len(s.found) < maxFoundVLANs {
			s.found = append(s.found, foundVLAN{r.VLAN, wire.EscapeName(r.Name()), r.AC})
		}
	})
}

// nobody says where nobody answers.
func (s *vlanSearch) nobody() string {
	return "nobody answers on any VLAN with one tag; " + s.pairs.String()
}

// vlanOption returns the option that uses a VLAN.
func vlanOption(in vlan.Stack) string {
	if in.Depth() == 0 {
		return "omit option vlan"
	}
	return fmt.Sprintf("option vlan %v", in)
}
