package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"upppoe/internal/ipv6/assign"
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/pppoe"
)

// usedPools returns how much of the pools is used by sessions.
func usedPools(ipv4 []pppoe.PoolStats, ipv6 map[string]assign.Set) (all []servercontrol.Pool) {
	for _, p := range ipv4 {
		all = append(all, servercontrol.Pool{
			Name: p.Name, Family: "ipv4", Range: rangeText(p.AddressPool), Size: p.Size, Used: p.Used, Free: p.Free, Reserved: p.Reserved, Refused: p.Refused,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(ipv6)) {
		set := ipv6[name]
		for _, of := range []struct {
			family, kind string
			*assign.Pool
		}{{"ipv6", "networks", set.Networks}, {"ipv6", "addresses", set.Addresses}, {"delegated", "delegated", set.Prefixes}} {
			if of.Pool == nil {
				continue
			}
			size, used := of.Size(), uint64(of.Used())
			all = append(all, servercontrol.Pool{
				Name: cmp.Or(name, "ipv6"), Family: of.family, Kind: of.kind, Length: of.Length(), Range: of.Prefix().String(),
				Size: size, Used: used, Free: size - used,
			})
		}
	}
	return all
}

// maxRanges is how many ranges of a pool are shown.
const maxRanges = 3

// rangeText returns the ranges of a pool, or the first of them.
func rangeText(p pppoe.AddressPool) string {
	var texts []string
	for _, r := range p.Ranges[:min(len(p.Ranges), maxRanges)] {
		texts = append(texts, r.String())
	}
	if more := len(p.Ranges) - maxRanges; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ", ")
}
