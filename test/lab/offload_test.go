package lab_test

import (
	"testing"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// TestOffload: offloads of a veth pair can be changed; for a nonexistent interface that fails.
func TestOffload(t *testing.T) {
	roottest.Need(t)
	a, b := namespace(t), namespace(t)
	check(t, lab.Veth(lab.End{In: a, Name: "eth0"}, lab.End{In: b, Name: "eth0"}))
	for _, on := range []bool{false, true, false} {
		check(t, a.Offload("eth0", on, lab.TxChecksum, lab.RxChecksum, lab.TSO, lab.GSO, lab.GRO))
	}
	if a.Offload("eth1", true, lab.GRO) == nil {
		t.Error("an offload of a nonexistent interface was changed")
	}
}
