package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"upppoe/internal/cluster"
	"upppoe/internal/cluster/allactive"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/ipv6/assign"
	"upppoe/internal/process/daemonize"
	"upppoe/pppoe"
)

// allActive is this machine in a cluster of which all machines are active. Without one it is nil, and its methods do
// nothing.
type allActive struct {
	config *serverconfig.Config
	client *clientv3.Client
	member *allactive.Member
	blocks *blockScripts
	log    *slog.Logger
	stop   context.CancelFunc // of the connection to etcd
	pause  func()             // stops the member; nil: it does not run
}

// joinAllActive takes part in the cluster, if there is one, as soon as etcd answers, or by what the earlier program has
// kept.
func (p *program) joinAllActive() (err error) {
	if !p.config.Cluster.IsAllActive() {
		return nil
	}
	ctx, stop := daemonize.ContextUntilSignal(func(os.Signal) {})
	defer stop()
	if p.state.store() == nil {
		return errors.New("cluster: a machine of an all-active cluster needs a file of sessions: give it one of its own, as file in [state]")
	}
	a := &allActive{config: p.config, log: p.log, blocks: newBlockScripts(p.config, p.log)}
	running, cancel := context.WithCancel(context.Background())
	a.stop = cancel
	if err := a.join(ctx, running, p); err != nil {
		a.stop()
		return fmt.Errorf("cluster: %w", err)
	}
	p.allActive = a
	p.onClose(a.close)
	return nil
}

// join joins the cluster.
func (a *allActive) join(ctx, running context.Context, p *program) (err error) {
	dialer := &clusterMember{config: a.config, log: a.log}
	if a.client, err = dialer.dial(running); err != nil {
		return err
	}
	cfg := a.config.AllActiveConfig()
	cfg.Store = allactive.NewEtcd(a.client, a.config.ClusterPrefix())
	file := p.state.keptBlocks(a.config)
	cfg.ID, cfg.Kept, cfg.Keep = file.of.ID, p.kept, file.keep
	cfg.Fence = func(at allactive.Time) { p.opener.SetDeadline(cluster.WallTime(at)) }
	cfg.Log, cfg.Explain = a.log, a.config.Cluster.Etcd.Explain
	a.member, err = allactive.Join(ctx, cfg, a.config.AllActivePools())
	return err
}

// configure makes a server withhold addresses, and claim what sessions have.
func (a *allActive) configure(cfg *pppoe.ServerConfig) {
	if a == nil {
		return
	}
	cfg.Withhold = true
	if cfg.Authenticator != nil {
		cfg.Authenticator = claimingAuthenticator{cfg.Authenticator, a.member, cfg.Policy, cfg.Duplicates}
	}
}

// serve lets the server assign what is in the blocks of this machine. It is called before sessions are adopted.
func (a *allActive) serve(server *pppoe.Server, ipv6 map[string]assign.Set) {
	if a == nil {
		return
	}
	blocks := a.config.AllActiveConfig().BlockSize
	a.member.Serve(memberSessions{server}, func(p allactive.Pool) allactive.Addresses {
		return scriptedAddresses{addressesOf(p, server, ipv6, blocks), a.blocks}
	})
	a.run()
}

// run keeps up with the cluster, until suspend.
func (a *allActive) run() {
	if a == nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	a.pause = func() { stop(); <-ended }
	// Ends with suspend.
	go func() {
		defer close(ended)
		if err := a.member.Run(ctx); errors.Is(err, allactive.ErrSameName) {
			a.log.Error(fmt.Sprintf("cluster: %v", err))
		}
	}()
}

// suspend leaves everything as it is to a later program of the machine.
func (a *allActive) suspend() {
	if a != nil && a.pause != nil {
		a.pause()
		a.pause = nil
	}
}

// notify tells the cluster which sessions there are.
func (a *allActive) notify(l pppoe.SessionInfo, e pppoe.Event) {
	if a == nil {
		return
	}
	switch e := e.(type) {
	case pppoe.SessionEstablished:
		a.member.Begin(l.Generation)
	case pppoe.Adopted:
		var addresses []netip.Addr
		if e.HasIPv4() {
			addresses = append(addresses, e.IPv4.Remote)
		}
		a.member.Adopt(l.Generation, wantOf(l.User, e.Policy, a.config.Sessions.Duplicates, addresses))
	case pppoe.Ended:
		a.member.Ended(l.Generation)
	}
}

// settled is called when no session of an earlier program is being adopted any more.
func (a *allActive) settled() {
	if a != nil {
		a.member.Settled()
	}
}

// leaveTimeout is how long a machine that ends writes to etcd.
const leaveTimeout = 2 * time.Second

// close returns all that this machine has. The server must have ended.
func (a *allActive) close() {
	if a.pause != nil {
		a.suspend()
		ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
		defer cancel()
		if err := a.member.Leave(ctx); err != nil {
			a.log.Warn(fmt.Sprintf("cluster: the blocks are held for %v: %v", a.config.AllActiveConfig().Timing.Hold, err))
		}
	}
	a.stop()
	a.client.Close()
	a.blocks.close()
}
