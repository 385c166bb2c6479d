package datapath

import (
	"math/rand/v2"
	"sync"
	"testing"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// keyNumber returns one of many keys that differ in one field or several.
func keyNumber(i int) Key {
	return Key{
		VLAN:  vlan.Stack{{TPID: vlan.CTag, VID: uint16(i % 3)}},
		Local: wire.Addr{2, byte(i % 2)}, Peer: wire.Addr{4, byte(i >> 8), byte(i)}, SessionID: uint16(i % 7),
	}
}

// TestSessionTable: a key has one session at a time; a session is found by exactly its key, while
// the table grows, and is taken once.
func TestSessionTable(t *testing.T) {
	const n = 5000
	table := newSessionTable()
	sessions := make([]entry, n)
	for i := range sessions {
		sessions[i].Key = keyNumber(i)
		if table.get(keyNumber(i)) != nil || table.take(&sessions[i]) {
			t.Fatalf("%d: there is a session before put", i)
		}
		if !table.put(&sessions[i]) || table.put(&entry{identity: identity{Key: keyNumber(i)}}) {
			t.Fatalf("%d: the first put fails, or the second does not", i)
		}
	}
	for _, i := range rand.Perm(n) {
		s := &sessions[i]
		if table.get(keyNumber(i)) != s || !table.take(s) || table.get(keyNumber(i)) != nil || table.take(s) {
			t.Fatalf("%d: its session is not there, or can be taken twice", i)
		}
	}
	if table.n != 0 {
		t.Errorf("%d sessions are left", table.n)
	}
}

// TestSessionTableConcurrent: a session is found all the time while others come and go.
func TestSessionTableConcurrent(t *testing.T) {
	table := newSessionTable()
	stays := &entry{identity: identity{Key: keyNumber(0)}}
	table.put(stays)
	var changing sync.WaitGroup
	changing.Go(func() {
		for round := range 20 {
			others := make([]entry, 50*(round+1))
			for i := range others {
				others[i].Key = keyNumber(i + 1)
				table.put(&others[i])
			}
			for i := range others {
				table.take(&others[i])
			}
		}
	})
	done := make(chan struct{})
	go func() { changing.Wait(); close(done) }()
	for {
		if table.get(keyNumber(0)) != stays {
			t.Fatal("the session is not found")
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func BenchmarkSessionTable(b *testing.B) {
	table := newSessionTable()
	sessions := make([]entry, 65534)
	for i := range sessions {
		sessions[i].Key = keyNumber(i)
		table.put(&sessions[i])
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if i++; table.get(keyNumber(i%65534)) == nil {
			b.Fatal("not found")
		}
	}
}
