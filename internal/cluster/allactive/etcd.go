package allactive

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/namespace"
)

// Etcd is the Store in etcd.
type Etcd struct {
	kv      clientv3.KV
	lease   clientv3.Lease
	watcher clientv3.Watcher
}

var _ Store = (*Etcd)(nil)

// NewEtcd returns the Store of keys that begin with a prefix.
func NewEtcd(client *clientv3.Client, prefix string) *Etcd {
	return &Etcd{namespace.NewKV(client.KV, prefix), namespace.NewLease(client.Lease, prefix), namespace.NewWatcher(client.Watcher, prefix)}
}

// Commit implements Store.
func (e *Etcd) Commit(ctx context.Context, all []Txn) ([]Result, error) {
	ops := make([]clientv3.Op, 0, len(all))
	for _, t := range all {
		ops = append(ops, t.op())
	}
	r, err := e.kv.Txn(ctx).Then(ops...).Commit()
	if err != nil {
		return nil, err
	}
	results := make([]Result, 0, len(all))
	for _, one := range r.Responses {
		results = append(results, resultOf((*clientv3.TxnResponse)(one.GetResponseTxn()), r.Header.Revision))
	}
	return results, nil
}

func (t *Txn) op() clientv3.Op {
	var conditions []clientv3.Cmp
	var then, other []clientv3.Op
	for _, c := range t.If {
		conditions = append(conditions, c.cmp())
		other = append(other, clientv3.OpGet(c.Key))
	}
	for _, p := range t.Put {
		then = append(then, clientv3.OpPut(p.Key, p.Value, clientv3.WithLease(clientv3.LeaseID(p.Lease))))
	}
	for _, key := range t.Delete {
		then = append(then, clientv3.OpDelete(key))
	}
	return clientv3.OpTxn(conditions, then, other)
}

func (c *Cond) cmp() clientv3.Cmp {
	switch {
	case c.Absent:
		return clientv3.Compare(clientv3.CreateRevision(c.Key), "=", 0)
	case c.Revision != 0:
		return clientv3.Compare(clientv3.ModRevision(c.Key), "=", c.Revision)
	}
	return clientv3.Compare(clientv3.Value(c.Key), "=", c.Value)
}

func resultOf(r *clientv3.TxnResponse, revision int64) Result {
	result := Result{Done: r.Succeeded, Revision: revision}
	if r.Succeeded {
		return result
	}
	for _, one := range r.Responses {
		for _, kv := range one.GetResponseRange().GetKvs() {
			result.Found = append(result.Found, pairOf(kv))
		}
	}
	return result
}

func pairOf(kv *mvccpb.KeyValue) Pair {
	return Pair{string(kv.Key), string(kv.Value), kv.ModRevision, LeaseID(kv.Lease)}
}

// pageSize is how many keys are read at once: a message holds them.
const pageSize = 5000

// List implements Store.
func (e *Etcd) List(ctx context.Context, prefix string) (all []Pair, revision int64, err error) {
	from, end := prefix, clientv3.GetPrefixRangeEnd(prefix)
	for {
		r, err := e.kv.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(pageSize), clientv3.WithRev(revision))
		if err != nil {
			return nil, 0, err
		}
		if revision == 0 {
			revision = r.Header.Revision
		}
		for _, kv := range r.Kvs {
			all = append(all, pairOf(kv))
			from = string(kv.Key) + "\x00"
		}
		if !r.More {
			return all, revision, nil
		}
	}
}

// Watch implements Store.
func (e *Etcd) Watch(ctx context.Context, prefix string, from int64, changed func(p Pair, deleted bool)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for r := range e.watcher.Watch(clientv3.WithRequireLeader(ctx), prefix, clientv3.WithPrefix(), clientv3.WithRev(from)) {
		if err := r.Err(); err != nil {
			return err
		}
		for _, event := range r.Events {
			changed(pairOf(event.Kv), event.Type == mvccpb.DELETE)
		}
	}
	return ctx.Err()
}

// Grant implements Store.
func (e *Etcd) Grant(ctx context.Context, ttl time.Duration) (LeaseID, error) {
	seconds := int64((ttl + time.Second - 1) / time.Second)
	r, err := e.lease.Grant(ctx, seconds)
	if err != nil {
		return 0, err
	}
	return LeaseID(r.ID), nil
}

// Renew implements Store.
func (e *Etcd) Renew(ctx context.Context, id LeaseID) (ttl time.Duration, revision int64, err error) {
	r, err := e.lease.KeepAliveOnce(ctx, clientv3.LeaseID(id))
	if err != nil {
		return 0, 0, leaseError(err)
	}
	return time.Duration(r.TTL) * time.Second, r.Revision, nil
}

// Revoke implements Store.
func (e *Etcd) Revoke(ctx context.Context, id LeaseID) error {
	_, err := e.lease.Revoke(ctx, clientv3.LeaseID(id))
	return leaseError(err)
}

// Attached implements Store.
func (e *Etcd) Attached(ctx context.Context, id LeaseID) (keys []string, err error) {
	r, err := e.lease.TimeToLive(ctx, clientv3.LeaseID(id), clientv3.WithAttachedKeys())
	switch {
	case err != nil:
		return nil, leaseError(err)
	case r.TTL <= 0:
		return nil, ErrNoLease
	}
	for _, key := range r.Keys {
		keys = append(keys, string(key))
	}
	return keys, nil
}

func leaseError(err error) error {
	if errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return ErrNoLease
	}
	return err
}
