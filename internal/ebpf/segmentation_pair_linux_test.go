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

// interfaces counts the station's interfaces.
func (e *station) interfaces() (n int) {
	e.t.Helper()
	e.do(func() error {
		all, err := net.Interfaces()
		n = len(all)
		return err
	})
	return n
}

// checkLoad has the engine check its load, as it does each second.
func (e *station) checkLoad() {
	e.do(func() error {
		e.at.checkLoad()
		return nil
	})
}

// withoutTimer leaves checks of the load to the test.
func withoutTimer(_ *station, cfg *Config) { cfg.interval = time.Hour }

// TestPairCreatedUnderLoad: the segmentation pair is created under load, and not before; the
// sessions keep working.
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
	left := here.userSpace.sent.Load()
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
	left = here.userSpace.sent.Load()
	exchange(t, here, there, there.ipv4, 4<<20)
	exchange(t, here, there, there.ipv6, 4<<20)
	if n := here.userSpace.sent.Load() - left; n > 10 {
		t.Errorf("with the pair, %d packets were left to user space", n)
	}
	if err := here.engine.Close(); err != nil {
		t.Error(err)
	}
	if n := here.interfaces(); n != before {
		t.Errorf("after Close there are %d interfaces, and were %d", n, before)
	}
	exchange(t, here, there, there.ipv4, 1<<20)
}

// TestPairRemovedWhenIdle: an engine checks its load only while it has sessions or the pair, which
// is removed after a long time without load, and created again under load.
func TestPairRemovedWhenIdle(t *testing.T) {
	s := newNetwork(t, withoutTimer)
	looks := func() bool {
		e := s.ends[0]
		e.engine.mu.Lock()
		defer e.engine.mu.Unlock()
		return e.at.timer != nil
	}
	if looks() {
		t.Error("the load is checked without a session")
	}
	here, there := s.session(1, vlan.Stack{}, 1492)
	if !looks() {
		t.Error("the load is not checked")
	}
	without := here.interfaces()
	for range 2 {
		here.createPair(&here.at.segmentation)
		for range idleLimit - 1 {
			here.checkLoad()
		}
		if exchange(t, here, there, there.ipv4, 16<<20); !here.hasPair() {
			t.Fatal("the pair was removed early")
		}
		for range idleLimit {
			here.checkLoad() // the first of which sees the load
		}
		if !here.hasPair() || here.interfaces() != without+2 {
			t.Fatal("the pair was removed under load")
		}
		if here.checkLoad(); here.hasPair() || here.interfaces() != without+2 {
			t.Error("without load, the pair is used, or removed while a program may still send by it")
		}
		if here.checkLoad(); here.interfaces() != without {
			t.Error("the pair was not removed")
		}
	}
	if here.kernel.Remove(); !looks() {
		t.Error("checks end before one finds no session")
	}
	if here.checkLoad(); looks() {
		t.Error("the load is checked without a session")
	}
}

// TestPairUnavailable: if the pair cannot be created, the log says so once, and user space sends.
func TestPairUnavailable(t *testing.T) {
	var notices []string
	s := newNetwork(t, withoutTimer, func(_ *station, cfg *Config) {
		cfg.Notify = func(text string) { notices = append(notices, text) }
	})
	here, there := s.session(1, vlan.Stack{}, 1492)
	exchange(t, here, there, there.ipv4, 16<<20)
	here.at.checkLoad() // in another namespace, where the pair must not be created
	here.checkLoad()
	if here.hasPair() || len(notices) != 1 || !strings.Contains(notices[0], "unavailable") {
		t.Errorf("the pair exists: %v; the log says %q", here.hasPair(), notices)
	}
	exchange(t, here, there, there.ipv4, 1<<20)
}

// TestPairSetDown: no packet is lost when another program sets a device of the pair down.
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
		here.createPair(&here.at.segmentation)
		<-notices
		sh(t, here.ns, words[0], words[1:]...)
		select {
		case text := <-notices:
			if !strings.Contains(text, "set down or removed") {
				t.Errorf("%v: the log says: %s", words, text)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%v: the log says nothing", words)
		}
		if here.hasPair() {
			t.Errorf("%v: the pair is still in use", words)
		}
		exchange(t, here, there, there.ipv4, 1<<20)
	}
}

// TestSoftwareChecksum: if the interface completes checksums of IP alone, the kernel treats each
// frame as PPPoE and completes checksums itself: of single packets, of segments, and in VLANs.
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
			t.Errorf("%s: %d frames, %d of them with another protocol", text, frames, other)
		}
	}
}

// outgoing captures frames sent by the Ethernet interface. The function that it returns ends the
// capture, and returns the number of session frames, and of those whose protocol is not PPPoE's.
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
			if inner == vlan.CTag { // after the tag from the metadata
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
