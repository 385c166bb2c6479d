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
		return e.acquire(clientv3.Compare(clientv3.ModRevision(key), "=", seen.Revision))
	}
	own, answered := clientv3.OpPut(e.cfg.Prefix+aliveKey+e.cfg.Name, aliveValue(e.usable)), e.stoodBy
	if e.leaving {
		own, answered = clientv3.OpDelete(e.cfg.Prefix+aliveKey+e.cfg.Name), e.withdrew
	}
	return request{nil, append(get, clientv3.OpGet(e.cfg.Prefix+machinesKey), clientv3.OpGet(e.cfg.Prefix+secretKey), own), nil, answered}
}

// acquire returns the write of the name into the owner key, while that is unchanged. If the keys that are written
// once were deleted, it writes them again. e.mu is held.
func (e *Elector) acquire(unchanged clientv3.Cmp) request {
	key, machines := e.cfg.Prefix+ownerKey, e.cfg.Prefix+machinesKey
	want := e.right.acquires()
	same, then := clientv3.Compare(clientv3.Value(machines), "=", e.cfg.list()), []clientv3.Op{clientv3.OpPut(key, want.value())}
	if e.deleted {
		same, then = clientv3.Compare(clientv3.CreateRevision(machines), "=", 0), append(e.lasting(), then...)
	}
	return request{
		[]clientv3.Cmp{unchanged, same}, then, []clientv3.Op{clientv3.OpGet(key)},
		func(now, began Time, r *clientv3.TxnResponse) error { return e.acquired(now, began, want, r) },
	}
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
	e.logDeleted()
	return nil
}

func (e *Elector) logDeleted() {
	e.cfg.Log.Warn("cluster: somebody has deleted the keys of the cluster in etcd: they are written again")
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
	if e.deleted {
		e.deleted = false
		e.logDeleted()
	}
	e.right.acquired(now, began, owner)
	e.revision = owner.Revision
	close(e.active)
	return nil
}

// stoodBy is called with the answer to the request of a standby machine: the keys of the owner, of the machines and of
// the secret. The secret is another one if a machine that was started after the keys were deleted has written it.
func (e *Elector) stoodBy(now, began Time, r *clientv3.TxnResponse) error {
	e.announce.Do(func() { close(e.announced) })
	list, text := value(r, 1), value(r, 2)
	e.deleted = list == ""
	if secret, err := hex.DecodeString(text); err == nil && len(secret) > 0 {
		e.secret = secret
	}
	if err := e.looked(now, began, r); err != nil || e.deleted || list == e.cfg.list() {
		return err
	}
	return e.cfg.otherMachines(list)
}

// withdrew is stoodBy of a machine that is standby no more.
func (e *Elector) withdrew(now, began Time, r *clientv3.TxnResponse) error {
	e.withdraw.Do(func() { close(e.withdrawn) })
	return e.stoodBy(now, began, r)
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
	case err != nil && e.said.IsNew(Now(), err.Error()):
		e.cfg.Log.Warn(fmt.Sprintf("cluster: etcd: %v", err))
	case err == nil && e.lastError != nil:
		e.cfg.Log.Info("cluster: etcd answers again")
		e.said = Reason{}
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
