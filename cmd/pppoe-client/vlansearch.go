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

// Bounds of the search of VLANs: it takes three seconds.
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

// searchVLANs asks on all VLANs with one tag and without, except one, who answers. It needs CAP_NET_RAW.
func searchVLANs(ctx context.Context, iface string, except vlan.Stack) (found []foundVLAN, err error) {
	list, err := vlan.ParseList("untagged,1-4094")
	if err != nil {
		return nil, err
	}
	port, err := afpacket.OpenTrunk(afpacket.Attachment{Interface: iface}, wire.EtherTypeDiscovery)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, vlanSearchLimit)
	defer cancel()
	cfg := pppoe.ScanConfig{Client: discovery.ClientConfig{Attempts: 1, Timeout: vlanSearchTimeout}, VLANs: list, Rate: vlanSearchRate}
	err = pppoe.Scan(ctx, port, cfg, func(s pppoe.ScanResult) {
		if s.VLAN != except && len(found) < maxFoundVLANs {
			found = append(found, foundVLAN{s.VLAN, wire.EscapeName(s.Name()), s.AC})
		}
	})
	return found, err
}

// vlanOption returns the option that uses a VLAN.
func vlanOption(in vlan.Stack) string {
	if in.Depth() == 0 {
		return "omit option vlan"
	}
	return fmt.Sprintf("option vlan %v", in)
}
