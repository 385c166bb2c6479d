package ethertest_test

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// TestUnplug: frames from and to a disconnected station are lost until it is reconnected.
func TestUnplug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ethertest.New(ethertest.Config{})
		a, b := listen(s.Port(alice, wire.EtherTypeDiscovery)), listen(s.Port(bob, wire.EtherTypeDiscovery))
		both := func(text string) {
			a.port.WriteBatch([][]byte{frame(bob, alice, wire.EtherTypeDiscovery, text)})
			b.port.WriteBatch([][]byte{frame(alice, bob, wire.EtherTypeDiscovery, text)})
			synctest.Wait()
		}
		both("before")
		s.Unplug(bob)
		both("unplugged")
		s.Plug(bob)
		both("again")
		a.want(t, "ann", "before", "again")
		b.want(t, "bob", "before", "again")
	})
}

// TestLeaveOne: a closed port yields nothing more, not even queued frames; other ports receive as
// before.
func TestLeaveOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ethertest.New(ethertest.Config{})
		closed, left := s.Port(bob, wire.EtherTypeDiscovery), listen(s.Port(carl, wire.EtherTypeDiscovery))
		s.Send(frame(bob, alice, wire.EtherTypeDiscovery, "unread"))
		closed.Close()
		n, err := closed.ReadBatch([]datapath.Frame{{Data: make([]byte, 1514)}})
		if n != 0 || !errors.Is(err, net.ErrClosed) {
			t.Errorf("a closed port: %d frames, %v", n, err)
		}
		s.Send(frame(carl, alice, wire.EtherTypeDiscovery, "for carl"))
		left.want(t, "carl", "for carl")
	})
}
