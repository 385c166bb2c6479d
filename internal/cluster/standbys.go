package cluster

import (
	"context"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// standbys are the standby machines, as they say in etcd that they are there.
type standbys struct {
	machines map[string]standby // by name
	since    Time               // when the keys were read first; 0: they were not
}

type standby struct {
	revision int64
	seen     Time // when its key had changed; longAgo: not since the keys were read first
	usable   int  // interfaces
}

func aliveValue(usable int) string { return strconv.Itoa(usable) }

// saw is called with the keys of all.
func (s *standbys) saw(now Time, prefix string, kvs []*mvccpb.KeyValue) {
	machines := make(map[string]standby, len(kvs))
	for _, kv := range kvs {
		name := strings.TrimPrefix(string(kv.Key), prefix+aliveKey)
		is := s.machines[name]
		if is.revision != kv.ModRevision {
			usable, _ := strconv.Atoi(string(kv.Value))
			seen := now
			if s.since == 0 { // it may be from long ago
				seen = longAgo
			}
			is = standby{kv.ModRevision, seen, usable}
		}
		machines[name] = is
	}
	s.machines = machines
	if s.since == 0 {
		s.since = now
	}
}

// best returns the largest number of interfaces that another machine, which was there a moment ago, can use;
// 0: there is none.
func (s *standbys) best(now Time, t Timing, self string) (usable int) {
	for name, is := range s.machines {
		if name != self && now-is.seen < t.Lease {
			usable = max(usable, is.usable)
		}
	}
	return usable
}

// mayAppear reports whether another machine may be there whose key has not changed yet since the keys were read first.
func (s *standbys) mayAppear(now Time, t Timing, self string) bool {
	for name, is := range s.machines {
		if name != self && is.seen == longAgo && is.usable > 0 && now-s.since < t.Lease {
			return true
		}
	}
	return false
}

// SetUsable is called with the number of interfaces on which the machine can serve. One that can serve on none
// does not become active; the active machine resigns in favour of one that can serve on more.
func (e *Elector) SetUsable(interfaces int) {
	e.mu.Lock()
	e.usable = interfaces
	e.right.healthy = interfaces > 0 && !e.leaving
	e.mu.Unlock()
	e.wake()
}

// resignIfWorse resigns if another machine can serve on more interfaces.
func (e *Elector) resignIfWorse(ctx context.Context) error {
	e.mu.Lock()
	worse := e.right.mine && e.standbys.best(Now(), e.cfg.Timing, e.cfg.Name) > e.usable
	e.mu.Unlock()
	if !worse {
		return nil
	}
	e.cfg.Log.Warn("cluster: another machine can serve on more interfaces")
	e.Resign(ctx)
	return ErrResigned
}

// hasStandby reports whether another machine would take over at once, by the keys that were read last. e.mu is held.
func (e *Elector) hasStandby() bool {
	return e.right.mine && e.standbys.best(Now(), e.cfg.Timing, e.cfg.Name) > 0
}

// LookForStandby reports whether another machine would take over at once, by the keys that etcd has now, or by those that
// were read last if it does not answer. A machine is found as soon as its Announced has returned, and not after its
// Withdraw has. After this one has become active it waits, for Timing.Lease at most, until the keys of the others change.
func (e *Elector) LookForStandby(ctx context.Context) bool {
	for {
		err := e.readStandbys(ctx)
		e.mu.Lock()
		has := e.hasStandby()
		wait := e.right.mine && e.standbys.mayAppear(Now(), e.cfg.Timing, e.cfg.Name)
		e.mu.Unlock()
		if err != nil || has || !wait {
			return has
		}
		select {
		case <-ctx.Done():
		case <-time.After(e.cfg.Timing.Renew / 2):
		}
	}
}

// readStandbys reads the keys of the standby machines.
func (e *Elector) readStandbys(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timing.Lease/3)
	defer cancel()
	r, err := e.cfg.Client.Get(ctx, e.cfg.Prefix+aliveKey, clientv3.WithPrefix())
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.standbys.saw(Now(), e.cfg.Prefix, r.Kvs)
	return nil
}

// Withdraw is called before Run is ended for good: a standby machine is not one any more, and an active one does not hand
// its sessions over to it. It waits until etcd has that, or Run or the context ends.
func (e *Elector) Withdraw(ctx context.Context) {
	e.mu.Lock()
	e.leaving, e.right.healthy = true, false
	active := e.right.mine
	e.mu.Unlock()
	if active {
		return
	}
	e.wake()
	select {
	case <-e.withdrawn:
	case <-e.ended:
	case <-ctx.Done():
	}
}

// Resign ends the right of this machine at once, and tells the others, if etcd can be reached. What the
// machine has to write to etcd must be written before.
func (e *Elector) Resign(ctx context.Context) error {
	e.mu.Lock()
	is := e.right.owner
	mine := e.right.mine
	e.right.resign()
	e.right.healthy = false
	e.apply()
	e.mu.Unlock()
	if !mine {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timing.Lease/3)
	defer cancel()
	free := is
	free.Machine = ""
	_, err := e.cfg.Client.Txn(ctx).If(e.isOwner(is)).Then(clientv3.OpPut(e.cfg.Prefix+ownerKey, free.value())).Commit()
	return err
}
