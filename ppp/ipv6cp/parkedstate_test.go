package ipv6cp_test

import (
	"bytes"
	"testing"

	"upppoe/ppp/ipv6cp"
)

// FuzzParkedState: no input does harm, and what is accepted is encoded as it was read.
func FuzzParkedState(f *testing.F) {
	var cfg ipv6cp.Config
	n := ipv6cp.New(&cfg)
	n.AssignUser(ipv6cp.ID{1})
	p := n.Park()
	f.Add(p.AppendState(nil))
	f.Fuzz(func(t *testing.T, state []byte) {
		var p, again ipv6cp.Parked
		if p.RestoreState(&cfg, state) != nil {
			return
		}
		encoded := p.AppendState(nil)
		if err := again.RestoreState(&cfg, encoded); err != nil || !bytes.Equal(again.AppendState(nil), encoded) {
			t.Errorf("%x, encoded again %x: %v", state, encoded, err)
		}
	})
}
