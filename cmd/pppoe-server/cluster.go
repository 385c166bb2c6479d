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
	"upppoe/internal/cluster/allactive"
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

// fenceCluster stops what an opener will open, before the machine is active, or at the deadline that an earlier program
// has kept; nil: there is none. The address is another machine's from the deadline on, so the kernel drops its frames
// then.
func fenceCluster(c *serverconfig.Config, opener *linux.Opener, kept *allactive.Kept) {
	if !c.Cluster.IsOn() && !c.Cluster.IsAllActive() {
		return
	}
	deadline := cluster.Time(0)
	if kept != nil {
		deadline = kept.Deadline
	}
	opener.Fence, opener.FencedSource = linux.NewFence(), c.Cluster.Address
	opener.SetDeadline(cluster.WallTime(deadline))
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
	m.watchInterfaces(running)
	go m.mirror.Run(running) // ends with close
	go m.run(running)        // ends with close
	return m, nil
}

func (m *clusterMember) join(ctx, running context.Context, opener *linux.Opener) (err error) {
	c := m.config
	if m.client, err = m.dial(running); err != nil {
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

// dial returns a client of etcd, at once.
func (m *clusterMember) dial(running context.Context) (*clientv3.Client, error) {
	etcd := m.config.Cluster.Etcd
	if file := m.config.Cluster.PasswordFile; file != "" {
		_, warning, err := secrets.PasswordFromFile(file)
		if err != nil {
			return nil, err
		}
		if warning != "" {
			m.log.Warn(warning)
		}
		etcd.Password = func() (string, error) {
			password, _, err := secrets.PasswordFromFile(file)
			return string(password), err
		}
	}
	return etcdstore.Dial(running, etcd)
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
	if err := m.elector.Announced(ctx); err != nil {
		return errStopped
	}
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
	if m == nil || !m.elector.LookForStandby(context.Background()) {
		return false
	}
	m.log.Info("Handing the sessions over to a standby machine")
	finishSetups(server)
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

// withdrawTimeout is how long a machine that is stopped waits for etcd to have that.
const withdrawTimeout = time.Second

func (m *clusterMember) close() {
	if m == nil {
		return
	}
	if m.elector != nil {
		ctx, cancel := context.WithTimeout(context.Background(), withdrawTimeout)
		defer cancel()
		m.elector.Withdraw(ctx)
	}
	m.stop()
	if m.client != nil {
		m.client.Close()
	}
}
