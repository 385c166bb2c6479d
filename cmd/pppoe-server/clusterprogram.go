package main

import (
	"context"
	"fmt"
	"os"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/process/daemonize"
)

// joinCluster takes part in the cluster, if there is one, as soon as etcd answers.
func (p *program) joinCluster() (err error) {
	ctx, stop := daemonize.ContextUntilSignal(func(os.Signal) {})
	defer stop()
	if p.cluster, err = joinCluster(ctx, p.config, p.opener, p.log); err != nil {
		return err
	}
	p.onClose(p.cluster.close)
	p.state.join(p.cluster)
	return nil
}

// standBy waits until this machine is active, if it is one of a cluster.
func (p *program) standBy() error {
	if p.cluster == nil {
		return nil
	}
	if err := p.ready(); err != nil {
		return err
	}
	p.startControl()
	if err := p.serveMetrics(&p.current); err != nil {
		return err
	}
	ctx, stop := daemonize.ContextUntilSignal(func(os.Signal) {})
	defer stop()
	if err := p.cluster.standBy(ctx); err != nil {
		return err
	}
	// Packets of sessions flow as soon as these are adopted, one after the other, if frames come here.
	announceAddress(p.listeners, nil, p.cluster)
	p.state.use(p.cluster)
	return nil
}

// handOver leaves the sessions to a standby machine, if there is one.
func (p *program) handOver() bool {
	if !p.cluster.handOver(p.server) {
		return false
	}
	p.server.Leave()
	return true
}

// beginAgain starts the program again, as standby, when it was active in a cluster and is not any more. The
// sessions are another machine's: nothing is sent to their peers, nor to AAA servers.
func (p *program) beginAgain(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-p.cluster.lost():
	}
	p.log.Warn(fmt.Sprintf("%v: starting again as standby", p.cluster.why))
	if n := p.opener.Fenced(); n > 0 {
		p.log.Warn(fmt.Sprintf("The kernel has dropped %d frames that were sent after the deadline", n))
	}
	p.lines.Flush()
	p.fail(daemonize.Again(p.args))
	os.Exit(1)
}

// reloadByRequest reads the configuration again.
func (p *program) reloadByRequest() ([]string, error) {
	if p.current.is.Load() == nil {
		return nil, errIsStandby
	}
	return p.reload.reload("reload")
}

// usedPools returns how much of the pools is used; nil on a standby machine.
func (p *program) usedPools() []servercontrol.Pool {
	if s := p.current.is.Load(); s != nil {
		return usedPools(s.Pools(), p.network.ipv6Pools())
	}
	return nil
}
