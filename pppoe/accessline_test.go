package pppoe

import (
	"encoding/binary"
	"testing"
	"time"

	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// TestRecentLinesBounded: forged PADIs replace the oldest access lines, and take no more memory.
func TestRecentLinesBounded(t *testing.T) {
	var r recentLines
	now := time.Unix(0, 0)
	client := func(n int) clientAt {
		var a wire.Addr
		binary.BigEndian.PutUint32(a[2:], uint32(n))
		return clientAt{addr: a}
	}
	for n := range 3 * maxRecentLines {
		r.add(now, client(n), wire.AccessLine{CircuitID: "c"})
		r.add(now, client(n), wire.AccessLine{CircuitID: "d"})
		r.add(now, client(n), wire.AccessLine{})
	}
	if len(r.by) != maxRecentLines || len(r.ring) != maxRecentLines {
		t.Errorf("%d lines, %d in the ring", len(r.by), len(r.ring))
	}
	if r.of(now, discovery.Request{Client: client(2*maxRecentLines - 1).addr}) != nil {
		t.Error("the oldest ones stay")
	}
	if a := r.of(now, discovery.Request{Client: client(2 * maxRecentLines).addr}); a == nil || a.CircuitID != "d" {
		t.Errorf("the oldest one that may stay is %v", a)
	}
}
