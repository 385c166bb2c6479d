package cluster

import (
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
)

// Keys of a cluster, after its prefix.
const (
	ownerKey    = "owner"    // the active machine
	machinesKey = "machines" // the names of all
	secretKey   = "secret"   // of the messages on the segment
	createdKey  = "created"  // when the cluster was made
	aliveKey    = "alive/"   // and a name: what a standby says of itself
)

// ownerValue is the value of the owner key. It stays the same for a term.
type ownerValue struct {
	Machine string `json:"machine"` // empty: nobody
	Term    uint64 `json:"term"`
	LeaseMS int64  `json:"lease_ms"`
}

func (o Owner) value() string {
	b, err := json.Marshal(ownerValue{o.Machine, o.Term, o.Lease.Milliseconds()})
	if err != nil {
		panic(err) // the type has only values that can be encoded
	}
	return string(b)
}

// maxLease is so long that times after it can be calculated.
const maxLease = 30 * 365 * 24 * time.Hour

// parseOwner decodes the owner key; without one the revision is 0.
func parseOwner(kvs []*mvccpb.KeyValue) (Owner, error) {
	if len(kvs) == 0 {
		return Owner{}, nil
	}
	var v ownerValue
	if err := json.Unmarshal(kvs[0].Value, &v); err != nil {
		return Owner{}, fmt.Errorf("%s in etcd is not that of a cluster: %w", kvs[0].Key, err)
	}
	if v.LeaseMS < 0 || v.LeaseMS > maxLease.Milliseconds() {
		return Owner{}, fmt.Errorf("%s in etcd is not that of a cluster: a lease of %d ms", kvs[0].Key, v.LeaseMS)
	}
	return Owner{v.Machine, v.Term, time.Duration(v.LeaseMS) * time.Millisecond, kvs[0].ModRevision}, nil
}
