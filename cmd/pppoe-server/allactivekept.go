package main

import (
	"fmt"
	"strconv"

	"upppoe/internal/cluster"
	"upppoe/internal/cluster/allactive"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/host/undolog"
)

// keptBlocks is the file, beside that of sessions, of what the next program of this machine goes on with in a cluster of
// which all machines are active, also if etcd is away then. It is read in the same boot only.
type keptBlocks struct {
	path string
	of   keptFor
}

// keptFor is for which machine and configuration something is kept.
type keptFor struct {
	Cluster   string `json:"cluster"`
	Machine   string `json:"machine"`
	ID        string `json:"id"`
	BlockSize int    `json:"block_size"`
}

// keptValue is what the file has.
type keptValue struct {
	keptFor
	allactive.Kept
}

// keptBlocks returns the file. There must be a store.
func (s *sessionState) keptBlocks(c *serverconfig.Config) keptBlocks {
	return keptBlocks{s.path + ".cluster", keptFor{c.ClusterPrefix(), c.ClusterMachine(), s.machineID(), c.AllActiveConfig().BlockSize}}
}

// machineID identifies the machine: by the time when the store of sessions was made.
func (s *sessionState) machineID() string {
	return strconv.FormatInt(s.store().Found().Created.UnixNano(), 36)
}

// read returns what was kept; nil: nothing that is valid for this machine and configuration.
func (k keptBlocks) read() (*allactive.Kept, error) {
	var is keptValue
	there, err := undolog.Read(k.path, &is)
	if err != nil || !there || is.keptFor != k.of {
		return nil, err
	}
	return &is.Kept, nil
}

// keep replaces the file, and removes it where that fails: what it had may be no more valid.
func (k keptBlocks) keep(is allactive.Kept) error {
	err := undolog.Write(k.path, keptValue{k.of, is})
	if err == nil || undolog.Remove(k.path) != nil {
		return err
	}
	return nil
}

// readKept reads what the earlier program of a machine has kept; nil: nothing that sessions can go on by.
func (p *program) readKept() *allactive.Kept {
	if !p.config.Cluster.IsAllActive() || p.state.store() == nil {
		return nil
	}
	kept, err := p.state.keptBlocks(p.config).read()
	if err != nil {
		p.log.Warn(fmt.Sprintf("cluster: what the earlier program has kept is ignored: %v", err))
	}
	if !kept.IsUsable(cluster.Now(), p.config.AllActiveConfig().Timing) {
		return nil
	}
	return kept
}
