package keyed

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

type value struct{ key, data int }

func (v *value) TableKey() int { return v.key }

// TestAsMap compares a table with a map, while values come and go.
func TestAsMap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var table Table[int, *value]
	all := make(map[int]*value)
	for range 100_000 {
		k := random.IntN(300)
		if got := table.Get(k); got != all[k] {
			t.Fatalf("%d: %v, want %v", k, got, all[k])
		}
		if random.IntN(2) == 0 {
			all[k] = &value{k, random.Int()}
			table.Put(all[k])
		} else {
			delete(all, k)
			table.Delete(k)
		}
		if table.Len() != len(all) {
			t.Fatalf("%d values, want %d", table.Len(), len(all))
		}
	}
	compare := func(a, b *value) int { return a.key - b.key }
	if got, want := slices.SortedFunc(table.All(), compare), slices.SortedFunc(maps.Values(all), compare); !slices.Equal(got, want) {
		t.Errorf("%d values, want %d", len(got), len(want))
	}
}

func TestChangeWhileYielding(t *testing.T) {
	var table Table[int, *value]
	for k := range 100 {
		table.Put(&value{key: k})
	}
	seen := make(map[int]bool)
	for v := range table.All() {
		seen[v.key] = true
		table.Delete(v.key)
		table.Put(&value{key: 1000 + v.key})
	}
	if len(seen) != 100 || table.Len() != 100 {
		t.Errorf("%d values yielded, %d left", len(seen), table.Len())
	}
	for range table.All() {
		break
	}
}

func TestEmpty(t *testing.T) {
	var table Table[int, *value]
	table.Delete(1)
	for range table.All() {
		t.Error("a value")
	}
	if table.Get(1) != nil || table.Len() != 0 {
		t.Error("not empty")
	}
}

func BenchmarkGet(b *testing.B) {
	var table Table[int, *value]
	for k := range 65_536 {
		table.Put(&value{key: k})
	}
	for i := 0; b.Loop(); i++ {
		table.Get(i & 0xffff)
	}
}
