package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"

	"upppoe/internal/cluster/allactive"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/ipv6/assign"
	"upppoe/pppoe"
)

// addressesOf returns what assigns the addresses of a pool, which assigns from blocks only.
func addressesOf(p allactive.Pool, server *pppoe.Server, ipv6 map[string]assign.Set, blockSize int) allactive.Addresses {
	if p.Kind == allactive.IPv4 {
		return ipv4Addresses{server, p.Name}
	}
	name := p.Name
	set, named := ipv6[name]
	if !named {
		set = ipv6[""]
	}
	of := map[allactive.Kind]*assign.Pool{allactive.Networks: set.Networks, allactive.Leased: set.Addresses, allactive.Delegated: set.Prefixes}[p.Kind]
	of.Restrict(allactive.BlockBits(p.Bits, blockSize))
	return of
}

// ipv4Addresses are the addresses of a pool of the server.
type ipv4Addresses struct {
	server *pppoe.Server
	pool   string
}

func rangeOf(block netip.Prefix) pppoe.AddressRange {
	r := allactive.RangeOf(block)
	return pppoe.AddressRange{First: r.First, Last: r.Last}
}

func (a ipv4Addresses) Provide(block netip.Prefix) int { return a.server.Provide(rangeOf(block)) }

func (a ipv4Addresses) Withdraw(block netip.Prefix, force bool) bool {
	return a.server.Withdraw(rangeOf(block), force)
}

func (a ipv4Addresses) Usage() (used, free uint64) {
	for _, p := range a.server.Pools() {
		if p.Name == a.pool {
			return p.Used, p.Free
		}
	}
	return 0, 0
}

// scriptedAddresses runs a script for each block that the machine has leased, or returned.
type scriptedAddresses struct {
	allactive.Addresses
	scripts *blockScripts
}

func (s scriptedAddresses) Provide(block netip.Prefix) int {
	s.scripts.add("leased", block)
	return s.Addresses.Provide(block)
}

func (s scriptedAddresses) Withdraw(block netip.Prefix, force bool) bool {
	is := s.Addresses.Withdraw(block, force)
	if is {
		s.scripts.add("returned", block)
	}
	return is
}

// blockScripts runs the script of a cluster, one after the other.
type blockScripts struct {
	config *serverconfig.Config
	log    *slog.Logger
	queue  chan blockScript
}

type blockScript struct {
	state string
	block netip.Prefix
}

// maxBlockScripts is how many may wait.
const maxBlockScripts = 4096

func newBlockScripts(c *serverconfig.Config, log *slog.Logger) *blockScripts {
	s := &blockScripts{c, log, make(chan blockScript, maxBlockScripts)}
	// Ends with close.
	go func() {
		for one := range s.queue {
			s.run(one)
		}
	}()
	return s
}

func (s *blockScripts) add(state string, block netip.Prefix) {
	if s.config.Cluster.Script == "" {
		return
	}
	select {
	case s.queue <- blockScript{state, block}:
	default:
		s.log.Warn(fmt.Sprintf("%s is not run for block %v, which is %s: too many wait", s.config.Cluster.Script, block, state))
	}
}

func (s *blockScripts) run(one blockScript) {
	ctx, cancel := context.WithTimeout(context.Background(), scriptTimeout)
	defer cancel()
	c := s.config
	cmd := exec.CommandContext(ctx, c.Cluster.Script)
	cmd.Env = append(os.Environ(), "UPPPOE_STATE="+one.state, "UPPPOE_BLOCK="+one.block.String(), "UPPPOE_MACHINE="+c.ClusterMachine(), "UPPPOE_CLUSTER="+c.ClusterPrefix())
	if out, err := cmd.CombinedOutput(); err != nil {
		s.log.Warn(fmt.Sprintf("%s, for block %v, %s: %v: %s", c.Cluster.Script, one.block, one.state, err, out))
	}
}

func (s *blockScripts) close() { close(s.queue) }
