package cluster

import (
	"testing"

	"go.etcd.io/etcd/api/v3/mvccpb"
)

// TestParseOwner: what is no owner, or has a lease that cannot be, is an error that names the key.
func TestParseOwner(t *testing.T) {
	if o, err := parseOwner(nil); err != nil || o != (Owner{}) {
		t.Errorf("without a key: %v, %v", o, err)
	}
	for _, text := range []string{"", "[]", `{"machine": 1}`, `{"lease_ms": -1}`, `{"lease_ms": 9223372036854775807}`} {
		if o, err := parseOwner(ownerPair(text)); err == nil {
			t.Errorf("%s is %v", text, o)
		}
	}
}

// ownerPair is the owner key with a value.
func ownerPair(value string) []*mvccpb.KeyValue {
	return []*mvccpb.KeyValue{{Key: []byte(ownerKey), Value: []byte(value), ModRevision: 7}}
}

func FuzzParseOwner(f *testing.F) {
	f.Add(Owner{Machine: "a", Term: 3, Lease: DefaultTiming.Lease}.value())
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parseOwner(ownerPair(text))
		if err != nil {
			return
		}
		if again, err := parseOwner(ownerPair(o.value())); err != nil || again != o || o.Lease < 0 {
			t.Errorf("%v is %v, %v", o, again, err)
		}
	})
}
