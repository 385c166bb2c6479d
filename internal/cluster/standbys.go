package cluster

import (
	"context"
	"strconv"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// standbys are the standby machines, as they say in etcd that they are there, by name.
type standbys map[string]standby

type standby struct {
	revision int64
	seen     Time // when its key had changed
	usable   int  // interfaces
}

func aliveValue(usable int) string { return strconv.Itoa(usable) }

// saw is called with the keys of all.
func (s standbys) saw(now Time, prefix string, kvs []*mvccpb.KeyValue) {
	for _, kv := range kvs {
		name := strings.TrimPrefix(string(kv.Key), prefix+aliveKey)
		if is := s[name]; is.revision != kv.ModRevision {
			usable, _ := strconv.Atoi(string(kv.Value))
			seen := now
			if is.revision == 0 { // it may be from long ago
				seen = longAgo
			}
			s[name] = standby{kv.ModRevision, seen, usable}
		}
	}
}

// best returns the largest number of interfaces that another machine, which was there a moment ago, can use;
// 0: there is none.
func (s standbys) best(now Time, t Timing, self string) (usable int) {
	for name, is := range s {
		if name != self && now-is.seen < t.Lease {
			usable = max(usable, is.usable)
		}
	}
	return usable
}

// SetUsable is called with the number of interfaces on which the machine can serve. One that can serve on none
// does not become active; the active machine resigns in favour of one that can serve on more.
func (e *Elector) SetUsable(interfaces int) {
	e.mu.Lock()
	e.usable = interfaces
	e.right.healthy = interfaces > 0
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

// HasStandby reports whether another machine would take over at once.
func (e *Elector) HasStandby() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.right.mine && e.standbys.best(Now(), e.cfg.Timing, e.cfg.Name) > 0
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
