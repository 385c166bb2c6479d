package linux

import (
	"errors"
	"testing"
	"time"

	"upppoe/internal/ebpf"
)

// TestOpenerWithoutEngine: while the kernel data path is not open, nothing is to be done.
func TestOpenerWithoutEngine(t *testing.T) {
	failed := errors.New("unavailable")
	o := &Opener{openEngine: func(ebpf.Config) (*ebpf.Engine, error) { return nil, failed }}
	o.SetDeadline(time.Now())
	o.Release()
	if n := o.Sweep(); n != 0 || o.IsPinned() || o.Take() != nil || o.Leave() != nil {
		t.Errorf("swept %d, pinned %v", n, o.IsPinned())
	}
}
