package ebpf

import (
	"errors"
	"strings"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/pppoe/vlan"
)

// TestTooManyPrograms: with the maximum number of programs at an interface, the error says so in
// words.
func TestTooManyPrograms(t *testing.T) {
	if !haveTCX(t) {
		roottest.SkipMissing(t, "this kernel has no TCX (Linux 6.6), which has the limit")
	}
	s := newNetwork(t, withoutTimer)
	here, _ := s.session(1, vlan.Stack{}, 1492)
	here.do(func() error {
		var all []*Engine
		defer func() {
			for _, e := range all {
				e.Close()
			}
		}()
		for len(all) < 70 {
			e, _, err := openAttached(Config{Sessions: 1})
			if err != nil {
				if !errors.Is(err, ErrTooManyPrograms) || strings.Contains(err.Error(), "numerical") || len(all) < 60 {
					t.Errorf("after %d: %v", len(all), err)
				}
				return nil
			}
			all = append(all, e)
		}
		t.Error("the kernel accepts 70 programs")
		return nil
	})
}
