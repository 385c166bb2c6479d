package ebpf

import (
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// interfaces counts those of a station.
func (e *station) interfaces() (n int) {
	e.t.Helper()
	e.do(func() error {
		all, err := net.Interfaces()
		n = len(all)
		return err
	})
	return n
}

// checkLoad has an engine look at its demand, as it does each second.
func (e *station) checkLoad() {
	e.do(func() error {
		e.engine.checkLoad()
		return nil
	})
}

// withoutTimer leaves looking to the test.
func withoutTimer(_ *station, cfg *Config) { cfg.interval = time.Hour }

// TestPairCreatedUnderLoad: the detour is made under load, and not before; the sessions go on.
func TestPairCreatedUnderLoad(t *testing.T) {
	var notices []string
	s := newNetwork(t, withoutTimer, func(e *station, cfg *Config) {
		if e.addr == addrs[0] {
			cfg.Notify = func(text string) { notices = append(notices, text) }
		}
	})
	here, there := s.session(1, vlan.Stack{}, 1492)
	before := here.interfaces()
	if _, err := here.ns.Ping(there.ipv4, 1, time.Second); err != nil {
		t.Error(err)
	}
	here.checkLoad()
	if n := here.interfaces(); n != before || here.hasPair() {
		t.Fatalf("without load, there are %d interfaces, and were %d", n, before)
	}
	exchange(t, here, there, there.ipv4, 16<<20)
	left := here.relay.sent.Load()
	if left < gsoThreshold {
		t.Errorf("only %d packets were left to user space", left)
	}
	here.checkLoad()
	if n := here.interfaces(); n != before+2 || !here.hasPair() {
		t.Fatalf("under load, there are %d interfaces, and were %d", n, before)
	}
	if len(notices) != 1 || !strings.Contains(notices[0], "ethtool -K eth0 tso off") {
		t.Errorf("the log says %q", notices)
	}
	left = here.relay.sent.Load()
	exchange(t, here, there, there.ipv4, 4<<20)
	exchange(t, here, there, there.ipv6, 4<<20)
	if n := here.relay.sent.Load() - left; n > 10 {
		t.Errorf("with the detour, %d packets were left to user space", n)
	}
	if err := here.engine.Close(); err != nil {
		t.Error(err)
	}
	if n := here.interfaces(); n != before {
		t.Errorf("after Close there are %d interfaces, and were %d", n, before)
	}
	exchange(t, here, there, there.ipv4, 1<<20)
}

// TestPairRemovedWhenIdle: an engine looks only while it has sessions, or the detour, which goes
// after a long time without demand, and comes back with it.
func TestPairRemovedWhenIdle(t *testing.T) {
	s := newNetwork(t, withoutTimer)
	looks := func() bool {
		e := s.ends[0].engine
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.load.timer != nil
	}
	if looks() {
		t.Error("it looks without a session")
	}
	here, there := s.session(1, vlan.Stack{}, 1492)
	if !looks() {
		t.Error("it does not look")
	}
	without := here.interfaces()
	for range 2 {
		here.createPair()
		for range idleLimit - 1 {
			here.checkLoad()
		}
		if exchange(t, here, there, there.ipv4, 16<<20); !here.hasPair() {
			t.Fatal("the detour has gone early")
		}
		for range idleLimit {
			here.checkLoad() // the first of which sees a demand
		}
		if !here.hasPair() || here.interfaces() != without+2 {
			t.Fatal("the detour has gone, though there was a demand")
		}
		if here.checkLoad(); here.hasPair() || here.interfaces() != without+2 {
			t.Error("without demand, it is used, or gone while a program may still send by it")
		}
		if here.checkLoad(); here.interfaces() != without {
			t.Error("it has not gone")
		}
	}
	if here.link.Remove(1); !looks() {
		t.Error("it looks no more before it sees why")
	}
	if here.checkLoad(); looks() {
		t.Error("it looks though the session is gone")
	}
}

// TestPairUnavailable: where it cannot be made the log says so, once, and user space sends.
func TestPairUnavailable(t *testing.T) {
	var notices []string
	s := newNetwork(t, withoutTimer, func(_ *station, cfg *Config) {
		cfg.Notify = func(text string) { notices = append(notices, text) }
	})
	here, there := s.session(1, vlan.Stack{}, 1492)
	exchange(t, here, there, there.ipv4, 16<<20)
	here.engine.checkLoad() // from another namespace, in which it must not be made
	here.checkLoad()
	if here.hasPair() || len(notices) != 1 || !strings.Contains(notices[0], "cannot be had") {
		t.Errorf("there is a detour: %v; the log says %q", here.hasPair(), notices)
	}
	exchange(t, here, there, there.ipv4, 1<<20)
}

// TestPairSetDown: whoever sets the detour's devices down gets no packet lost.
func TestPairSetDown(t *testing.T) {
	roottest.Need(t, "ip")
	for _, words := range [][]string{
		{"ip", "link", "set", "pppoecut0up", "down"},
		{"ip", "link", "set", "pppoecut0", "down"},
		{"ip", "link", "delete", "pppoecut0up"},
	} {
		notices := make(chan string, 16)
		s := newNetwork(t, withoutTimer, func(_ *station, cfg *Config) {
			cfg.Notify = func(text string) { notices <- text }
		})
		here, there := s.session(1, vlan.Stack{}, 1492)
		here.createPair()
		<-notices
		sh(t, here.ns, words[0], words[1:]...)
		select {
		case text := <-notices:
			if !strings.Contains(text, "set its devices down") {
				t.Errorf("%v: the log says: %s", words, text)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%v: the log says nothing", words)
		}
		if here.hasPair() {
			t.Errorf("%v: the detour is still in use", words)
		}
		exchange(t, here, there, there.ipv4, 1<<20)
	}
}

// TestSoftwareChecksum: where the interface finishes checksums of IP alone, the kernel knows each frame
// for PPPoE's, and so finishes checksums itself: uncut ones, cut ones, and in VLANs.
func TestSoftwareChecksum(t *testing.T) {
	roottest.Need(t)
	s := newNetwork(t, withIPChecksumOnly, withOffloadTUN)
	for i, text := range []string{"0", "50", "50.100"} {
		stack, err := vlan.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		here, there := s.vlanSession(byte(1+i), stack, 1480)
		sent := here.outgoing()
		exchange(t, here, there, there.ipv4, 1<<20)
		exchange(t, here, there, there.ipv6, 1<<20)
		frames, other := sent()
		if frames < 1000 || other > 0 {
			t.Errorf("%s: %d frames, of which the kernel takes %d for something else", text, frames, other)
		}
	}
}

// outgoing listens to what leaves by the Ethernet interface. It returns what ends that, and
// says how many frames of sessions there were, and how many the kernel took for others.
func (e *station) outgoing() func() (frames, other int) {
	e.t.Helper()
	var fd int
	e.do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		iface, err := net.InterfaceByName(ethernet)
		if err != nil {
			return err
		}
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(networkOrder(unix.ETH_P_ALL)), Ifindex: iface.Index})
	})
	return func() (frames, other int) {
		defer unix.Close(fd)
		buf := make([]byte, 64)
		for {
			n, from, err := unix.Recvfrom(fd, buf, unix.MSG_DONTWAIT)
			if err != nil {
				return frames, other
			}
			at, _ := from.(*unix.SockaddrLinklayer)
			if n < 64 || at.Pkttype != skbOutgoing {
				continue
			}
			inner := binary.BigEndian.Uint16(buf[12:])
			if inner == vlan.CTag { // behind the tag beside the frame
				inner = binary.BigEndian.Uint16(buf[16:])
			}
			if inner != wire.EtherTypeSession {
				continue
			}
			frames++
			if p := int32(at.Protocol); p != networkOrder(wire.EtherTypeSession) && p != networkOrder(vlan.CTag) {
				other++
			}
		}
	}
}
