package cluster

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// request is a transaction, and what its answer means.
type request struct {
	conditions  []clientv3.Cmp
	then, other []clientv3.Op
	// answered is called with e.mu held.
	answered func(now, began Time, r *clientv3.TxnResponse) error
}

// request makes one request to etcd: it renews the lease, writes the name into the owner key, or reads it.
func (e *Elector) request(ctx context.Context) {
	began := Now()
	e.mu.Lock()
	do := e.choose(began)
	e.mu.Unlock()
	// A longer wait would leave no time for another try before the deadline.
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timing.Lease/3)
	defer cancel()
	r, err := e.cfg.Client.Txn(ctx).If(do.conditions...).Then(do.then...).Else(do.other...).Commit()
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil {
		now := Now()
		e.right.answeredSince(now, began)
		err = do.answered(now, began, r)
	}
	e.report(err)
	e.apply()
}

// choose chooses the request that is due. e.mu is held.
func (e *Elector) choose(now Time) request {
	key := e.cfg.Prefix + ownerKey
	get := []clientv3.Op{clientv3.OpGet(key)}
	switch seen := e.right.owner; {
	case e.right.missing:
		return request{
			[]clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(key), "=", 0)},
			append(e.lasting(), clientv3.OpPut(key, seen.value())), get, e.restored,
		}
	case e.right.mine:
		return request{
			[]clientv3.Cmp{e.isOwner(seen)},
			[]clientv3.Op{clientv3.OpPut(key, seen.value()), clientv3.OpGet(e.cfg.Prefix+aliveKey, clientv3.WithPrefix())},
			get, e.renewed,
		}
	case e.right.mayAcquire(now):
		want := e.right.acquires()
		return request{
			[]clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(key), "=", seen.Revision), clientv3.Compare(clientv3.Value(e.cfg.Prefix+machinesKey), "=", e.cfg.list())},
			[]clientv3.Op{clientv3.OpPut(key, want.value())},
			get, func(now, began Time, r *clientv3.TxnResponse) error { return e.acquired(now, began, want, r) },
		}
	}
	return request{nil, append(get, clientv3.OpPut(e.cfg.Prefix+aliveKey+e.cfg.Name, aliveValue(e.usable))), nil, e.looked}
}

// lasting returns the writes of the keys that are written once.
func (e *Elector) lasting() []clientv3.Op {
	return []clientv3.Op{
		clientv3.OpPut(e.cfg.Prefix+machinesKey, e.cfg.list()), clientv3.OpPut(e.cfg.Prefix+secretKey, hex.EncodeToString(e.secret)),
		clientv3.OpPut(e.cfg.Prefix+createdKey, e.created.UTC().Format(time.RFC3339Nano)),
	}
}

// restored is called with the answer to a write of keys that were deleted.
func (e *Elector) restored(now, began Time, r *clientv3.TxnResponse) error {
	if !r.Succeeded {
		return e.looked(now, began, r)
	}
	owner := e.right.owner
	owner.Revision = r.Header.Revision
	e.right.renewedAt(now, began, owner)
	e.cfg.Log.Warn("cluster: somebody has deleted the keys of the cluster in etcd: they are written again")
	return nil
}

// renewed is called with the answer to a renewal.
func (e *Elector) renewed(now, began Time, r *clientv3.TxnResponse) error {
	if !r.Succeeded {
		return e.looked(now, began, r)
	}
	owner := e.right.owner
	owner.Revision = r.Header.Revision
	e.right.renewedAt(now, began, owner)
	e.standbys.saw(now, e.cfg.Prefix, r.Responses[1].GetResponseRange().Kvs)
	return nil
}

// acquired is called with the answer to the write of acquires.
func (e *Elector) acquired(now, began Time, owner Owner, r *clientv3.TxnResponse) error {
	if !r.Succeeded {
		e.right.settled()
		return e.looked(now, began, r)
	}
	owner.Revision = r.Header.Revision
	e.right.acquired(now, began, owner)
	e.revision = owner.Revision
	close(e.active)
	return nil
}

// looked is called with an answer that has the owner key first.
func (e *Elector) looked(now, began Time, r *clientv3.TxnResponse) error {
	owner, err := parseOwner(r.Responses[0].GetResponseRange().Kvs)
	if err == nil {
		e.lost = e.right.saw(now, began, owner) || e.lost
	}
	return err
}

// report logs the first error of requests to etcd, and that they are answered again. e.mu is held.
func (e *Elector) report(err error) {
	switch {
	case err != nil && e.lastError == nil:
		e.cfg.Log.Warn(fmt.Sprintf("cluster: etcd: %v", err))
	case err == nil && e.lastError != nil:
		e.cfg.Log.Info("cluster: etcd answers again")
	}
	e.lastError = err
}

// watch passes changes of the owner key on as soon as they happen, until the context ends. It only makes the
// loop faster: that reads the key as well.
func (e *Elector) watch(ctx context.Context) {
	for changes := range e.cfg.Client.Watch(ctx, e.cfg.Prefix+ownerKey) {
		for _, c := range changes.Events {
			owner, err := parseOwner(eventKey(c))
			if err != nil {
				continue
			}
			e.mu.Lock()
			before := e.right.owner
			e.lost = e.right.saw(Now(), longAgo, owner) || e.lost
			e.apply()
			free := owner.Machine == "" && before.Machine != ""
			lost := e.lost
			e.mu.Unlock()
			if free || lost {
				e.wake()
			}
		}
	}
}
