package lab_test

import (
	"net/netip"
	"testing"
	"time"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

func TestVethAndPing(t *testing.T) {
	roottest.Need(t)
	var spaces [2]*lab.Namespace
	for i := range spaces {
		n, err := lab.NewNamespace()
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		spaces[i] = n
	}
	a, b := spaces[0], spaces[1]
	if err := lab.Veth(lab.End{In: a, Name: "left", MAC: "02:00:5e:00:53:01"}, lab.End{In: b, Name: "right"}); err != nil {
		t.Fatal(err)
	}
	if err := a.Address("left", "192.0.2.1/24"); err != nil {
		t.Fatal(err)
	}
	if err := b.Address("right", "192.0.2.2/24"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Ping(netip.MustParseAddr("192.0.2.1"), 1, 5*time.Second); err != nil {
		t.Errorf("the two ends do not hear each other: %v", err)
	}
}
