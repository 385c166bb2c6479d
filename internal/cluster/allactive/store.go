package allactive

import (
	"context"
	"errors"
	"time"
)

// LeaseID identifies a lease of etcd.
type LeaseID int64

// Pair is a key of etcd, as it is at a revision.
type Pair struct {
	Key, Value string
	Revision   int64   // at which it was written; of a deleted one, deleted
	Lease      LeaseID // that it ends with; 0: none
}

// Cond is a condition of a Txn: of one key.
type Cond struct {
	Key      string
	Value    string // of the key, if the others are not set
	Absent   bool   // there is no such key
	Revision int64  // at which the key was written; 0: any
}

// Txn is a transaction: if all conditions hold, it writes and deletes.
type Txn struct {
	If     []Cond
	Put    []Pair // Revision is ignored
	Delete []string
}

// Result is the outcome of a Txn.
type Result struct {
	Done     bool   // the conditions held
	Found    []Pair // otherwise: the keys of the conditions, those that exist
	Revision int64  // of the write
}

// ErrNoLease is the error of Renew and Attached for a lease that has ended.
var ErrNoLease = errors.New("the lease has ended")

// Store is what a Member needs of etcd. Its methods may be called concurrently.
type Store interface {
	// Commit executes transactions as one write, each with conditions of its own. No key may be in two of
	// them. After an error it is not known whether they were executed.
	Commit(ctx context.Context, all []Txn) ([]Result, error)
	// List returns the keys that begin with a prefix, and the revision of that.
	List(ctx context.Context, prefix string) (all []Pair, revision int64, err error)
	// Watch calls changed with the changes of keys that begin with a prefix, from a revision on, until the
	// context ends or changes are lost.
	Watch(ctx context.Context, prefix string, from int64, changed func(p Pair, deleted bool)) error
	// Grant makes a lease, which ends with all its keys when it is not renewed for so long.
	Grant(ctx context.Context, ttl time.Duration) (LeaseID, error)
	// Renew renews a lease, and returns for how long, as it was granted, and the revision of that.
	Renew(ctx context.Context, id LeaseID) (ttl time.Duration, revision int64, err error)
	Revoke(ctx context.Context, id LeaseID) error
	// Attached returns the keys that end with a lease.
	Attached(ctx context.Context, id LeaseID) (keys []string, err error)
}

// maxTxns is how many transactions with up to maxOps operations each are one write: etcd's --max-txn-ops is
// 128, of which each nested one may take what the outer leaves.
const (
	maxTxns = 64
	maxOps  = 32
)
