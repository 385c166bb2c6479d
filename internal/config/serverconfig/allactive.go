package serverconfig

import (
	"fmt"
	"net/netip"
	"strings"

	"upppoe/internal/cluster/allactive"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// AllActiveConfig returns the configuration of this machine in a cluster of which all are active, without Store,
// ID and functions.
func (c *Config) AllActiveConfig() allactive.Config {
	return allactive.Config{
		Name: c.ClusterMachine(), Machines: c.Cluster.Machines, BlockSize: c.blockSize(), Spare: orDefault(c.Cluster.SpareBlocks, allactive.DefaultSpare),
		RefuseAway: c.Cluster.RefuseAway, Timing: allactive.TimingOf(c.Cluster.Hold),
	}
}

func (c *Config) blockSize() int { return orDefault(c.Cluster.BlockSize, allactive.DefaultBlockSize) }

func orDefault(n, usual int) int {
	if n == 0 {
		return usual
	}
	return n
}

// AllActivePools returns the pools that the machines share, without their Addresses.
func (c *Config) AllActivePools() (all []allactive.Pool) {
	ipv4, _ := c.pools()
	for _, p := range ipv4 {
		one := allactive.Pool{Name: p.Name, Kind: allactive.IPv4, Bits: 32, Text: rangesText(p)}
		for _, r := range p.Addresses() {
			one.Ranges = append(one.Ranges, allactive.Range{First: r.First, Last: r.Last})
		}
		all = append(all, one)
	}
	for _, p := range c.IPv6.all() {
		for _, of := range []struct {
			kind allactive.Kind
			base netip.Prefix
			bits int
		}{{allactive.Networks, p.Networks, 64}, {allactive.Leased, p.Addresses, 128}, {allactive.Delegated, p.Delegated, p.length()}} {
			if of.base.IsValid() {
				all = append(all, allactive.Pool{
					Name: orElse(p.Name, "ipv6"), Kind: of.kind, Bits: of.bits, Text: fmt.Sprintf("%v in /%d", of.base, of.bits),
					Ranges: []allactive.Range{allactive.RangeOf(of.base)},
				})
			}
		}
	}
	return all
}

func rangesText(p pppoe.AddressPool) string {
	var texts []string
	for _, r := range p.Addresses() {
		texts = append(texts, r.String())
	}
	return strings.Join(texts, ", ")
}

// checkAllActive rejects what several active machines cannot have.
func (c *Config) checkAllActive(r *report) {
	is := c.AllActiveConfig()
	if err := is.Check(); err != nil {
		r.fail("cluster.name", err.Error(), fmt.Sprintf("the name of this machine here, or %q in machines, and a power of two as block-size", is.Name))
		return
	}
	if c.Cluster.Address != (wire.Addr{}) {
		r.fail("cluster.address", "each machine has its own Ethernet address, with mode = \"all-active\"", "none")
	}
	if c.State.File == NoState {
		r.fail("state.file", "a machine of an all-active cluster finds its blocks again by its file of sessions", "a path")
	}
	pools := c.AllActivePools()
	if ipv4, _ := c.pools(); len(ipv4) == 0 && len(c.Options.RequireAuth()) == 0 && !c.Options.NoIP {
		r.fail("cluster.mode", "clients choose their addresses, as there is neither a pool nor authentication", "a [[pool]]")
	}
	for _, problem := range allactive.CheckPools(pools, is.BlockSize, len(c.Cluster.Machines)) {
		r.fail("cluster.block-size", problem.Text, problem.Wants)
	}
	c.checkEtcd(r)
}
