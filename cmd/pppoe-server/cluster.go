package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"upppoe/internal/cluster"
	"upppoe/internal/config/secrets"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/host/ifname"
	"upppoe/internal/host/linkmonitor"
	"upppoe/internal/state/etcdstore"
	"upppoe/pppoe"
	"upppoe/pppoe/linux"
	"upppoe/pppoe/wire"
)

// clusterMember is this machine in a cluster. Without a cluster it is nil, and its methods do nothing.
type clusterMember struct {
	config  *serverconfig.Config
	client  *clientv3.Client
	elector *cluster.Elector
	mirror  *etcdstore.Mirror
	store   atomic.Pointer[etcdstore.Store] // nil until it is active
	log     *slog.Logger
	stop    context.CancelFunc // of all goroutines
	ended   chan struct{}      // closed when it can be active no more
	why     error              // of that
}

// fenceCluster stops what an opener will open, before the machine is active.
func fenceCluster(c *serverconfig.Config, opener *linux.Opener) {
	if c.Cluster.IsOn() || c.Cluster.IsAllActive() {
		opener.Fence = linux.NewFence()
		opener.SetDeadline(cluster.WallTime(0))
	}
}

// joinCluster takes part in the election, as soon as etcd answers.
func joinCluster(ctx context.Context, c *serverconfig.Config, opener *linux.Opener, log *slog.Logger) (*clusterMember, error) {
	if !c.Cluster.IsOn() {
		return nil, nil
	}
	m := &clusterMember{config: c, log: log, ended: make(chan struct{})}
	running, stop := context.WithCancel(context.Background())
	m.stop = stop
	err := m.join(ctx, running, opener)
	if err != nil {
		m.close()
		return nil, fmt.Errorf("cluster: %w", err)
	}
	go m.mirror.Run(running) // ends with close
	go m.run(running)        // ends with close
	m.watchInterfaces(running)
	return m, nil
}

func (m *clusterMember) join(ctx, running context.Context, opener *linux.Opener) (err error) {
	c := m.config
	if m.client, err = m.dial(ctx, running); err != nil {
		return err
	}
	segmentName, _ := ifname.KernelName(c.ClusterSegment())
	segment, err := cluster.OpenEthernet(segmentName)
	if err != nil {
		return err
	}
	m.elector, err = cluster.Join(ctx, cluster.Config{
		Client: m.client, Prefix: c.ClusterPrefix(), Name: c.ClusterMachine(), Machines: c.Cluster.Machines,
		Timing: cluster.TimingOf(c.Cluster.Lease), Segment: segment, Log: m.log, Explain: c.Cluster.Etcd.Explain,
		Fence: func(at cluster.Time) { opener.SetDeadline(cluster.WallTime(at)) },
	})
	if err != nil {
		segment.Close()
		return err
	}
	m.mirror = etcdstore.NewMirror(m.client, c.ClusterPrefix())
	return nil
}

// dialRetry is the pause between attempts to log in to etcd.
const dialRetry = 200 * time.Millisecond

// dial returns a client of etcd, after the login if there is one.
func (m *clusterMember) dial(ctx, running context.Context) (*clientv3.Client, error) {
	etcd := m.config.Cluster.Etcd
	if file := m.config.Cluster.PasswordFile; file != "" {
		password, warning, err := secrets.PasswordFromFile(file)
		if err != nil {
			return nil, err
		}
		if warning != "" {
			m.log.Warn(warning)
		}
		etcd.Password = string(password)
	}
	if err := etcd.Check(); err != nil {
		return nil, err
	}
	for said := false; ; said = true {
		client, err := etcdstore.Dial(running, etcd)
		if err == nil || etcd.User == "" {
			return client, err
		}
		if !said {
			m.log.Warn(fmt.Sprintf("cluster: waiting for etcd: %v", etcd.Explain(ctx, err)))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(dialRetry):
		}
	}
}

func (m *clusterMember) run(ctx context.Context) {
	m.why = m.elector.Run(ctx)
	close(m.ended)
}

// watchInterfaces tells the elector on how many interfaces the machine can serve.
func (m *clusterMember) watchInterfaces(ctx context.Context) {
	names := make(map[string]bool)
	for _, on := range m.config.Interfaces {
		name, _ := ifname.KernelName(on.Name)
		names[name] = true
	}
	m.elector.SetUsable(len(names))
	changes := make(chan map[string]bool)
	for name := range names {
		// Ends with the context.
		go linkmonitor.Watch(ctx, name, func(s pppoe.InterfaceState, _ wire.Addr) {
			select {
			case changes <- map[string]bool{name: s == pppoe.InterfaceUp}:
			case <-ctx.Done():
			}
		})
	}
	// Ends with the context.
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case change := <-changes:
				usable := 0
				for name := range names {
					if up, changed := change[name]; changed {
						names[name] = up
					}
					if names[name] {
						usable++
					}
				}
				m.elector.SetUsable(usable)
			}
		}
	}()
}

// standBy waits until this machine is active, and has the records of all earlier ones.
func (m *clusterMember) standBy(ctx context.Context) error {
	m.script("standby")
	m.log.Info(fmt.Sprintf("Machine %s is standby", m.config.ClusterMachine()))
	revision, err := m.elector.Active(ctx)
	if err != nil {
		return errStopped
	}
	m.log.Info(fmt.Sprintf("Machine %s is active, with %v", m.config.ClusterMachine(), m.config.Cluster.Address))
	if err := m.mirror.Await(ctx, revision); err != nil {
		return err
	}
	store := etcdstore.New(m.client, m.config.ClusterPrefix(), m.mirror.Generations(), m.elector.IsOwner())
	store.OnRestored = func(parts int) {
		m.log.Warn(fmt.Sprintf("cluster: somebody has deleted records of sessions in etcd: %d parts are written again", parts))
	}
	m.store.Store(store)
	// Ends with the client. ErrNotOwner ends the elector, too.
	go store.Run(m.client.Ctx())
	m.script("active")
	return nil
}

// scriptTimeout is how long a script may run.
const scriptTimeout = 30 * time.Second

// script runs the script for a change of state. It is not waited for.
func (m *clusterMember) script(state string) {
	c := m.config
	if c.Cluster.Script == "" {
		return
	}
	// Ends with the script.
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), scriptTimeout)
		defer cancel()
		cmd := exec.CommandContext(ctx, c.Cluster.Script)
		cmd.Env = append(os.Environ(), "UPPPOE_STATE="+state, "UPPPOE_MACHINE="+c.ClusterMachine(), "UPPPOE_CLUSTER="+c.ClusterPrefix(), "UPPPOE_ADDRESS="+c.Cluster.Address.String())
		if out, err := cmd.CombinedOutput(); err != nil {
			m.log.Warn(fmt.Sprintf("%s, for state %s: %v: %s", c.Cluster.Script, state, err, out))
		}
	}()
}

// handOver resigns in favour of a standby machine, if there is one, and reports whether there is: then the
// sessions must be left as they are.
func (m *clusterMember) handOver(server *pppoe.Server) bool {
	if m == nil || !m.elector.HasStandby() {
		return false
	}
	m.log.Info("Handing the sessions over to a standby machine")
	server.Suspend()
	ctx, cancel := context.WithTimeout(context.Background(), m.flushTimeout())
	defer cancel()
	if err := m.store.Load().Flush(ctx); err != nil {
		m.log.Warn(fmt.Sprintf("cluster: changes of %d sessions are not in etcd: %v", m.store.Load().Stats().Queued, err))
	}
	if err := m.elector.Resign(ctx); err != nil {
		m.log.Warn(fmt.Sprintf("cluster: %v: the standby machine begins when the lease is over", err))
	}
	return true
}

// flushTimeout is how long a machine that hands over writes to etcd.
func (m *clusterMember) flushTimeout() time.Duration { return 2 * time.Second }

// lost is closed when the machine was active, and is not any more; nil without a cluster.
func (m *clusterMember) lost() <-chan struct{} {
	if m == nil {
		return nil
	}
	return m.ended
}

// errStopped is the end of a machine that was standby, by a signal.
var errStopped = errors.New("stopped while standby")

func (m *clusterMember) close() {
	if m == nil {
		return
	}
	m.stop()
	if m.client != nil {
		m.client.Close()
	}
}
