package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// ErrOtherMachines is the error of Join if etcd has another list of machines.
var ErrOtherMachines = errors.New("the machines of this cluster are others in etcd")

// joinTimeout bounds one request, and joinRetry is the pause between two.
const (
	joinTimeout = 2 * time.Second
	joinRetry   = 200 * time.Millisecond
)

// Join returns an Elector once etcd has answered, however long that takes: until the context ends. The error
// wraps one of Config.Check, or ErrOtherMachines, with what to do.
func Join(ctx context.Context, cfg Config) (*Elector, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Timing == (Timing{}) {
		cfg.Timing = DefaultTiming
	}
	cfg.Fence(0)
	for said := (Reason{}); ; {
		secret, created, err := cfg.join(ctx)
		switch {
		case err == nil:
			e := newElector(cfg, secret)
			e.created = created
			return e, nil
		case errors.Is(err, ErrOtherMachines):
			return nil, err
		case cfg.Explain != nil && said.IsDue(Now()):
			err = cfg.Explain(ctx, err)
		}
		if said.IsNew(Now(), err.Error()) {
			cfg.Log.Warn(fmt.Sprintf("cluster: waiting for etcd: %v", err))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(joinRetry):
		}
	}
}

// join reads the secret, the time when the cluster was made, and the list of machines, or makes them.
func (c *Config) join(ctx context.Context) (secret []byte, created time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	machines, secretAt, createdAt := c.Prefix+machinesKey, c.Prefix+secretKey, c.Prefix+createdKey
	secret = make([]byte, 32)
	rand.Read(secret) // cannot fail
	for key, value := range map[string]string{machines: c.list(), secretAt: hex.EncodeToString(secret), createdAt: time.Now().UTC().Format(time.RFC3339Nano)} {
		missing := clientv3.Compare(clientv3.CreateRevision(key), "=", 0)
		if _, err := c.Client.Txn(ctx).If(missing).Then(clientv3.OpPut(key, value)).Commit(); err != nil {
			return nil, created, err
		}
	}
	r, err := c.Client.Txn(ctx).Then(clientv3.OpGet(machines), clientv3.OpGet(secretAt), clientv3.OpGet(createdAt)).Commit()
	if err != nil {
		return nil, created, err
	}
	if list := value(r, 0); list != c.list() {
		return nil, created, c.otherMachines(list)
	}
	if created, err = time.Parse(time.RFC3339Nano, value(r, 2)); err != nil {
		return nil, created, fmt.Errorf("%s in etcd: %w", createdAt, err)
	}
	secret, err = hex.DecodeString(value(r, 1))
	return secret, created, err
}

// otherMachines is the error for another list of machines in etcd.
func (c *Config) otherMachines(list string) error {
	return fmt.Errorf("%w: %s, and the configuration has %s: stop all machines, make the lists the same, and remove the key %s", ErrOtherMachines, list, c.list(), c.Prefix+machinesKey)
}

// value returns the value of the key that a transaction has read; empty: there is none.
func value(r *clientv3.TxnResponse, index int) string {
	for _, kv := range r.Responses[index].GetResponseRange().Kvs {
		return string(kv.Value)
	}
	return ""
}

// eventKey returns the key of an event; none if it was deleted.
func eventKey(e *clientv3.Event) []*mvccpb.KeyValue {
	if e.Type == mvccpb.DELETE {
		return nil
	}
	return []*mvccpb.KeyValue{e.Kv}
}
