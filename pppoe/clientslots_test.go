package pppoe

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"upppoe/pppoe/wire"
)

// TestClientSlotsAgainstModel: clients whose slots are taken and freed in a random order have those that lists
// say, though many share a chain.
func TestClientSlotsAgainstModel(t *testing.T) {
	const n, clients = 60, 20
	c, random := newClientSlots(n), rand.New(rand.NewPCG(1, 2))
	c.chains = c.chains[:4]
	taken, model := make(map[int]byte), make(map[byte][]int)
	for range 20000 {
		number := random.IntN(n)
		if client, is := taken[number]; is {
			c.unlink(int32(number))
			c.all[number] = slot{}
			delete(taken, number)
			model[client] = slices.DeleteFunc(model[client], func(of int) bool { return of == number })
			continue
		}
		client := byte(random.IntN(clients))
		c.all[number].origin.Client = wire.Addr{2, client}
		c.link(int32(number))
		taken[number], model[client] = client, append(model[client], number)
		for client := range maps.Keys(model) {
			got := slices.Collect(c.of(wire.Addr{2, client}))
			if !slices.Equal(got, model[client]) || c.count(wire.Addr{2, client}) != len(got) {
				t.Fatalf("client %d has %v, want %v", client, got, model[client])
			}
		}
	}
}
