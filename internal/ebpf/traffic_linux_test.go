package ebpf

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/pppoe/vlan"
	"upppoe/test/lab"
)

// setups are configurations of the interface and of the programs.
var setups = []struct {
	name    string
	prepare []func(*station, *Config)
	// taps: frames can be captured on the interface as received.
	taps bool
}{
	{"interface segments", nil, false}, // its checksums are always partial
	{"interface segments, not checksums", []func(*station, *Config){ethtoolSet("tx", "off")}, true},
	{"kernel segments", []func(*station, *Config){ethtoolSet("tso", "off", "gso", "on")}, false},
	{"XDP", []func(*station, *Config){withExclusive}, false},
	{"XDP, GRO", []func(*station, *Config){withExclusive, ethtoolSet("tso", "off", "gro", "on")}, false},
	{"XDP, nothing offloaded", []func(*station, *Config){withExclusive, ethtoolSet("tx", "off")}, false},
	{"TUN offloads", []func(*station, *Config){ethtoolSet("tx", "off"), withOffloadTUN}, true},
	{"TUN offloads, XDP", []func(*station, *Config){withOffloadTUN, withExclusive}, false},
	{"no segmentation pair", []func(*station, *Config){ethtoolSet("tx", "off"), withoutPair}, true},
	{"no segmentation pair, interface segments", []func(*station, *Config){withoutPair}, false},
	{"no TCX", []func(*station, *Config){withoutTCX, ethtoolSet("tx", "off")}, true},
	{"network card completes checksums of IP alone", []func(*station, *Config){withIPChecksumOnly, withOffloadTUN}, false},
}

func withOffloadTUN(e *station, _ *Config) { e.offloadTUN = true }

// withOffloadTUNAt is withOffloadTUN for one station: user space cannot carry GSO packets of such a
// TUN (tun_linux_test.go).
func withOffloadTUNAt(number int) func(*station, *Config) {
	return func(e *station, _ *Config) { e.offloadTUN = e.addr == addrs[number] }
}

func withoutPair(_ *station, cfg *Config) { cfg.noPair = true }

func withIPChecksumOnly(_ *station, cfg *Config) { cfg.ipChecksumOnly = true }

func eachSetup(t *testing.T, f func(t *testing.T, s *network, taps bool)) {
	for _, setup := range setups {
		t.Run(setup.name, func(t *testing.T) {
			roottest.Need(t, "ethtool")
			f(t, newNetwork(t, setup.prepare...), setup.taps)
		})
	}
}

// TestTCP sends streams in writes of all sizes, in both directions, and compares what arrives. Most
// is GSO packets, whose last segments have any length.
func TestTCP(t *testing.T) {
	eachSetup(t, func(t *testing.T, s *network, taps bool) {
		here, there := s.session(1, vlan.Stack{}, 1492)
		w := there.capture()
		for _, to := range []netip.Addr{there.ipv4, there.ipv6} {
			exchange(t, here, there, to, 4<<20)
			exchange(t, there, here, partner(here, to), 4<<20)
		}
		there.checkCapture(w, taps)
		t.Logf("%d frames captured, of %d lengths; kernel %+v; user space %d", w.Frames, len(w.Lengths), here.kernel.Counters(), here.userSpace.sent.Load())
		if taps && (w.Frames < 2000 || len(w.Lengths) < 50) {
			t.Errorf("only %d frames of %d lengths captured", w.Frames, len(w.Lengths))
		}
		carried := here.kernel.Counters()
		if carried.SentBytes < 8<<20 && here.hasPair() || carried.ReceivedBytes < 8<<20 {
			t.Errorf("not carried in the kernel: %+v", carried)
		}
		if here.hasPair() && here.userSpace.sent.Load() > 100 {
			t.Errorf("%d packets went through user space", here.userSpace.sent.Load())
		}
	})
}

// partner returns the end's own address of the same family.
func partner(t *sessionEnd, of netip.Addr) netip.Addr {
	if of.Is4() {
		return t.ipv4
	}
	return t.ipv6
}

// exchange sends octets over a TCP connection, and compares what arrives.
func exchange(t *testing.T, from, at *sessionEnd, to netip.Addr, n int) {
	t.Helper()
	var listener net.Listener
	at.do(func() (err error) {
		listener, err = net.Listen("tcp", netip.AddrPortFrom(to, 0).String())
		return err
	})
	defer listener.Close()
	data := make([]byte, n)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(data)
	result := make(chan error, 1)
	go func() {
		result <- func() error {
			c, err := listener.Accept()
			if err != nil {
				return err
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(20 * time.Second))
			got, err := io.ReadAll(c)
			if err == nil && !bytes.Equal(got, data) {
				err = fmt.Errorf("%d octets arrived, of %d, or others", len(got), n)
			}
			return err
		}()
	}()
	from.do(func() error {
		c, err := net.DialTimeout("tcp", listener.Addr().String(), 10*time.Second)
		if err != nil {
			return err
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(20 * time.Second))
		return writePieces(c, data, rand.New(random))
	})
	if err := <-result; err != nil {
		t.Fatalf("to %v: %v", to, err)
	}
}

func writePieces(w io.Writer, data []byte, random *rand.Rand) error {
	for len(data) > 0 {
		n := min(len(data), 1+random.IntN(1<<(1+random.IntN(17))))
		if _, err := w.Write(data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// TestUDP sends datagrams of many sizes, some segmented by the kernel (UDP_SEGMENT), some
// fragmented.
func TestUDP(t *testing.T) {
	eachSetup(t, func(t *testing.T, s *network, taps bool) {
		here, there := s.session(1, vlan.Stack{}, 1492)
		w := there.capture()
		for _, to := range []netip.Addr{there.ipv4, there.ipv6} {
			datagrams(t, here, there, to)
		}
		there.checkCapture(w, taps)
		carried := here.kernel.Counters()
		t.Logf("%d frames captured, of %d lengths; kernel %+v; user space %d", w.Frames, len(w.Lengths), carried, here.userSpace.sent.Load())
		// Left to user space: fragments of IPv6, and GSO packets if the TUN does not complete
		// checksums.
		want := uint64(34)
		if here.offloadTUN {
			want = 196
		}
		if carried.SentPackets != want || there.kernel.Counters().ReceivedPackets != 196 {
			t.Errorf("carried in the kernel: %+v", carried)
		}
	})
}

// datagrams sends datagrams one by one, and waits for each.
func datagrams(t *testing.T, from, at *sessionEnd, to netip.Addr) {
	t.Helper()
	var server, client *net.UDPConn
	at.do(func() (err error) {
		server, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 5002)))
		return err
	})
	defer server.Close()
	from.do(func() (err error) {
		client, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 5002)))
		return err
	})
	defer client.Close()
	data := make([]byte, 64<<10)
	rand.NewChaCha8([32]byte{2}).Read(data)
	receive := func(want []byte) {
		t.Helper()
		buf := make([]byte, len(data))
		server.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, err := server.Read(buf)
		if err != nil || !bytes.Equal(buf[:n], want) {
			t.Fatalf("to %v: got %d octets, want %d: %v", to, n, len(want), err)
		}
	}
	headers := 28
	if to.Is6() {
		headers = 48
	}
	for _, n := range []int{0, 1, 2, 17, 18, 19, 20, 100, 1000, 1491 - headers, 1492 - headers, 1493 - headers, 3000, 9000} {
		if _, err := client.Write(data[:n]); err != nil {
			t.Fatal(err)
		}
		receive(data[:n])
	}
	for _, segment := range []int{100, 500, 1492 - headers} {
		for _, n := range []int{segment * 3, segment*3 + 1, segment*20 - 1} {
			if err := writeGSO(client, data[:n], segment); err != nil {
				t.Fatal(err)
			}
			for sent := data[:n]; len(sent) > 0; {
				k := min(segment, len(sent))
				receive(sent[:k])
				sent = sent[k:]
			}
		}
	}
}

// writeGSO has the kernel segment a buffer into datagrams.
func writeGSO(c *net.UDPConn, b []byte, size int) error {
	control := make([]byte, unix.CmsgSpace(2))
	h := (*unix.Cmsghdr)(ptr(control))
	h.Level, h.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	*(*uint16)(ptr(control[unix.CmsgLen(0):])) = uint16(size)
	_, _, err := c.WriteMsgUDP(b, control, nil)
	return err
}

// TestPingSizes sends echo requests of many sizes that must not be fragmented. A packet one octet
// longer than the MTU is not sent: the kernel reports it.
func TestPingSizes(t *testing.T) {
	roottest.Need(t, "ping", "ethtool")
	for _, mtu := range []int{1492, 1400} {
		for _, prepare := range [][]func(*station, *Config){nil, {withExclusive}} {
			s := newNetwork(t, prepare...)
			here, there := s.session(1, vlan.Stack{}, mtu)
			for _, to := range []netip.Addr{there.ipv4, there.ipv6} {
				headers := 28
				if to.Is6() {
					headers = 48
				}
				for _, size := range []int{headers, headers + 1, headers + 2, 64, 65, 576, 1280, mtu - 1, mtu} {
					if out, err := pingOnce(here, to, size-headers); err != nil {
						t.Errorf("MTU %d, %d octets to %v: %v\n%s", mtu, size, to, err, out)
					}
				}
				out, err := pingOnce(here, to, mtu+1-headers)
				if err == nil || !strings.Contains(out, "mtu") && !strings.Contains(out, "too long") {
					t.Errorf("MTU %d, %d octets to %v: %v\n%s", mtu, mtu+1, to, err, out)
				}
			}
			if n := here.userSpace.sent.Load(); n > 0 {
				t.Errorf("%d packets through user space", n)
			}
			if c := here.kernel.Counters(); c.SentPackets != 18 || c.ReceivedPackets != 18 {
				t.Errorf("counters: %+v", c)
			}
		}
	}
}

func pingOnce(t *sessionEnd, to netip.Addr, payload int) (string, error) {
	return t.ns.Run("ping", "-c1", "-W2", "-i0.01", "-Mdo", "-s"+strconv.Itoa(payload), to.String())
}

// TestForwarding: a host forwards between two sessions; one of the other stations has no engine. A
// packet too long for the second session is answered with ICMP.
func TestForwarding(t *testing.T) {
	roottest.Need(t, "ping", "ip", "sysctl")
	for name, prepare := range map[string][]func(*station, *Config){
		"TC":                   nil,
		"XDP, GRO":             {withExclusive, ethtoolSet("tso", "off", "gro", "on")},
		"TUN offloads":         {withOffloadTUNAt(1), withExclusive, ethtoolSet("gro", "on")},
		"checksum in software": {withOffloadTUNAt(1), ethtoolSet("tx", "off")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newNetwork(t, prepare...)
			left, middle1 := s.session(1, vlan.Stack{}, 1492)
			right, middle2 := s.session(2, vlan.Stack{}, 1400)
			// Both sessions end at one station, which must not deliver packets locally.
			apart := s.apart(right)
			sh(t, middle1.ns, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
			sh(t, left.ns, "ip", "route", "add", "10.0.2.0/24", "dev", left.device.Name())
			sh(t, left.ns, "ip", "-6", "route", "add", "fd00::2:0/120", "dev", left.device.Name())
			sh(t, apart, "ip", "route", "add", "10.0.1.0/24", "dev", right.device.Name())
			sh(t, apart, "ip", "-6", "route", "add", "fd00::1:0/120", "dev", right.device.Name())
			far := &sessionEnd{station: &station{t: t, ns: apart}, ipv4: right.ipv4, ipv6: right.ipv6}
			for _, to := range []netip.Addr{far.ipv4, far.ipv6} {
				exchange(t, left, far, to, 2<<20)
				exchange(t, far, left, partner(left, to), 2<<20)
				out, err := pingOnce(left, to, 1450-48)
				if err == nil || !strings.Contains(out, "mtu") {
					t.Errorf("1450 octets to %v: %v\n%s", to, err, out)
				}
			}
			for _, c := range []*sessionEnd{middle1, middle2} {
				carried := c.kernel.Counters()
				if carried.SentBytes < 4<<20 || carried.ReceivedBytes < 4<<20 {
					t.Errorf("session %d: %+v", c.id, carried)
				}
			}
		})
	}
}

// apart moves a session's TUN to a namespace of its own, without the engine: its programs know
// interfaces by their index. User space carries all packets.
func (s *network) apart(t *sessionEnd) *lab.Namespace {
	s.t.Helper()
	ns, err := lab.NewNamespace()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { ns.Close() })
	t.kernel.Remove()
	t.moveTo(ns)
	if err := ns.Do(func() error { return t.configure(1400) }); err != nil {
		s.t.Fatal(err)
	}
	return ns
}

// moveTo moves a session's TUN to another namespace.
func (t *sessionEnd) moveTo(ns *lab.Namespace) {
	t.t.Helper()
	t.do(func() error {
		link, err := netlink.LinkByName(t.device.Name())
		if err != nil {
			return err
		}
		var h netns.NsHandle
		if err := ns.Do(func() (err error) { h, err = netns.Get(); return err }); err != nil {
			return err
		}
		defer h.Close()
		return netlink.LinkSetNsFd(link, int(h))
	})
}

func sh(t testing.TB, ns *lab.Namespace, name string, args ...string) {
	t.Helper()
	if out, err := ns.Run(name, args...); err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

// TestOneSide: the other station has only user space.
func TestOneSide(t *testing.T) {
	for name, prepare := range map[string][]func(*station, *Config){
		"TC": nil, "XDP": {withExclusive}, "TUN offloads": {withOffloadTUNAt(0)}, "tx off": {ethtoolSet("tx", "off")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newNetwork(t, prepare...)
			here, there := s.session(1, vlan.Stack{}, 1492)
			there.kernel.Remove()
			there.engine.Close()
			for _, to := range []netip.Addr{there.ipv4, there.ipv6} {
				exchange(t, here, there, to, 1<<20)
				exchange(t, there, here, partner(here, to), 1<<20)
				if _, err := here.ns.Ping(to, 1, time.Second); err != nil {
					t.Error(err)
				}
			}
			if c := here.kernel.Counters(); c.SentBytes < 2<<20 || c.ReceivedBytes < 2<<20 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// TestFullSize: an Ethernet interface with room for the PPPoE header carries packets of 1500 octets
// (RFC 4638).
func TestFullSize(t *testing.T) {
	roottest.Need(t, "ping", "ip")
	for name, prepare := range map[string][]func(*station, *Config){"TC": nil, "XDP": {withExclusive}, "tso off": {ethtoolSet("tso", "off")}} {
		t.Run(name, func(t *testing.T) {
			s := newNetwork(t, prepare...)
			// After Open: programs and pair adapt.
			for _, e := range s.ends {
				sh(t, e.ns, "ip", "link", "set", ethernet, "mtu", "1508")
			}
			here, there := s.session(1, vlan.Stack{}, 1500)
			if out, err := pingOnce(here, there.ipv4, 1472); err != nil {
				t.Errorf("%v: %s", err, out)
			}
			exchange(t, here, there, there.ipv4, 2<<20)
			exchange(t, here, there, there.ipv6, 2<<20)
			if n := here.userSpace.sent.Load(); n > 10 {
				t.Errorf("%d packets through user space", n)
			}
		})
	}
}
