package linux

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/internal/ebpf"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// TestOpenerFence: ports that an Opener returns are behind its fence, which SetDeadline sets.
func TestOpenerFence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Opener{Fence: datapath.NewFence(nil)}
		segment := ethertest.New(ethertest.Config{})
		a, b := segment.Port(wire.Addr{5: 1}, wire.EtherTypeSession), segment.Port(wire.Addr{5: 2}, wire.EtherTypeSession)
		defer a.Close()
		defer b.Close()
		ports := o.fenced(pppoe.Ports{Discovery: a, Session: a, Fanout: []datapath.Port{a}})
		send := func() (sent int) {
			for _, p := range []datapath.Port{ports.Discovery, ports.Session, ports.Fanout[0]} {
				n, err := p.WriteBatch([][]byte{append([]byte{5: 2, 11: 1, 12: 0x88, 13: 0x64}, make([]byte, 46)...)})
				if err != nil {
					t.Error(err)
				}
				sent += n
			}
			return sent
		}
		if n := send(); n != 3 {
			t.Errorf("%d frames were sent without a deadline", n)
		}
		o.SetDeadline(time.Now().Add(time.Second))
		time.Sleep(time.Second)
		if n := send(); n != 0 {
			t.Errorf("%d frames were sent after the deadline", n)
		}
	})
}

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
