package ebpf

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/test/packets"
	"upppoe/test/stages"
)

// stageSessions are the two sessions of package stages.
type stageSessions struct{ session, other *session }

// prepare puts the sessions in the state of a case.
func (s stageSessions) prepare(t *testing.T, c *stages.Case) {
	t.Helper()
	for session, prefixes := range map[*session][]netip.Prefix{s.session: stages.Prefixes, s.other: stages.OtherPrefixes} {
		check(t, session.setSources(prefixes))
		session.SetFamilies(true, true)
	}
	s.session.SetFamilies(true, !c.Closed)
	s.session.SetMTU(0)
	if s.session.device.shared {
		s.session.SetMTU(stages.MTU)
	}
	rate := datapath.Rate{}
	if c.Empty {
		rate.Bits = 1
	}
	s.session.SetRates(rate, rate)
	for _, direction := range []int{ratesUp, ratesDown} {
		s.session.bucket(direction).fullAt.Store(1 << 62)
	}
}

// outcome returns the outcome of a packet that only the session counts, or left: carried says how
// the program ended.
func (s stageSessions) outcome(t *testing.T, before [2]datapath.Counters, carried bool) stages.Outcome {
	t.Helper()
	session, other := difference(s.session.Counters(), before[0]), difference(s.other.Counters(), before[1])
	session.ReceivedBytes, session.SentBytes, other.SentBytes = 0, 0, 0
	for _, c := range []struct {
		session, other datapath.Counters
		carried        bool
		is             stages.Outcome
	}{
		{datapath.Counters{}, datapath.Counters{}, false, stages.Left},
		{datapath.Counters{ReceivedPackets: 1}, datapath.Counters{}, true, stages.Carried},
		{datapath.Counters{SentPackets: 1}, datapath.Counters{}, true, stages.Carried},
		{datapath.Counters{}, datapath.Counters{SentPackets: 1}, true, stages.Elsewhere},
		{datapath.Counters{Spoofed: 1, Dropped: 1}, datapath.Counters{}, false, stages.Spoofed},
		{datapath.Counters{Isolated: 1, Dropped: 1}, datapath.Counters{}, false, stages.Isolated},
		{datapath.Counters{Exceeded: 1, Dropped: 1}, datapath.Counters{}, false, stages.Exceeded},
	} {
		if session == c.session && other == c.other && carried == c.carried {
			return c.is
		}
	}
	return stages.Outcome("carried, or not, and counted otherwise")
}

// wantKernel returns the outcome of a case in the kernel.
func wantKernel(c *stages.Case, shared bool) stages.Outcome {
	own, other := c.Kernel()
	if shared {
		return other
	}
	return own
}

// stageConfig is the configuration of a session of package stages.
func stageConfig(id uint16, peer wire.Addr) datapath.SessionConfig {
	return datapath.SessionConfig{Key: datapath.Key{SessionID: id, Local: stages.Server, Peer: peer}}
}

// deviceKinds are the kinds of devices of sessions.
var deviceKinds = []struct {
	name   string
	shared bool
}{{"own device", false}, {"shared device", true}}

// TestStagesFromPeer: what the programs do with frames from the wire, as package stages says.
func TestStagesFromPeer(t *testing.T) {
	for _, program := range []struct {
		name    string
		kind    ebpf.ProgramType
		dropped uint32
		make    func(*mapFDs) asm.Instructions
		pair    int // the index of the coalescing pair
	}{{"TC", ebpf.SchedCLS, tcActShot, receive, 0}, {"TC, coalescing", ebpf.SchedCLS, tcActShot, receive, 9}, {"XDP", ebpf.XDP, xdpDrop, receiveXDP, 0}} {
		for _, on := range deviceKinds {
			t.Run(program.name+", "+on.name, func(t *testing.T) {
				i := testMaps(t)
				i.coalescing.index = program.pair
				check(t, i.write())
				loaded, err := i.engine.hooks.load(program.kind, 0, "test", program.make(i.maps()))
				check(t, err)
				devices := [2]*device{{index: 7, shared: on.shared}, {index: 8, shared: on.shared}}
				if on.shared {
					devices[1] = devices[0]
				}
				s := stageSessions{
					i.testSessionOf(t, devices[0], stageConfig(stages.SessionID, stages.Peer)),
					i.testSessionOf(t, devices[1], stageConfig(stages.OtherSessionID, stages.Other)),
				}
				s.session.flags |= isolate
				for _, c := range stages.FromPeer() {
					s.prepare(t, &c)
					before, out := [2]datapath.Counters{s.session.Counters(), s.other.Counters()}, make([]byte, 4096)
					verdict, err := loaded.Run(&ebpf.RunOptions{Data: c.Frame, DataOut: out})
					check(t, err)
					carried := verdict == tcActRedirect
					if program.kind == ebpf.XDP {
						carried = binary.NativeEndian.Uint32(out) == metadataMagic
					}
					got, want := s.outcome(t, before, carried), wantKernel(&c, on.shared)
					if got != want || (verdict == program.dropped) != (want == stages.Spoofed || want == stages.Isolated || want == stages.Exceeded) {
						t.Errorf("%s: verdict %d, %s; want %s", c.What, verdict, got, want)
					}
				}
			})
		}
	}
}

// TestStagesToPeer: what the kernel does with packets that the host sends to a device, as package
// stages says.
func TestStagesToPeer(t *testing.T) {
	for _, on := range deviceKinds {
		t.Run(on.name, func(t *testing.T) {
			e := newNetwork(t, withoutPair).ends[0]
			s, device, socket := e.stageSessions(on.shared)
			for _, c := range stages.ToPeer() {
				s.prepare(t, &c)
				before, left := [2]datapath.Counters{s.session.Counters(), s.other.Counters()}, device.read.Load()
				if c.Segment > 0 {
					check(t, sendGSO(socket, c.Packet, c.Segment))
				} else {
					packets.Send(socket, c.Packet) // ENOBUFS if it is dropped
				}
				want := wantKernel(&c, on.shared)
				if want == stages.Left {
					awaitTrue(t, c.What, func() bool { return device.read.Load() == left+1 })
				}
				if got := s.outcome(t, before, want == stages.Carried || want == stages.Elsewhere); got != want {
					t.Errorf("%s: %s, want %s", c.What, got, want)
				}
			}
		})
	}
}

// stageDevice is a TUN that counts the packets that are read from it.
type stageDevice struct {
	*vnetTUN
	read atomic.Int64
}

// stageSessions adds the sessions of package stages, each on a device of its own or both on one, and
// returns the first one's device with a socket that sends by it.
func (e *station) stageSessions(shared bool) (s stageSessions, on *stageDevice, socket *packet.Conn) {
	e.t.Helper()
	link, added := e.at.Link(vlan.Stack{}, 0), [2]*session{}
	for i, c := range []datapath.SessionConfig{stageConfig(stages.SessionID, stages.Peer), stageConfig(stages.OtherSessionID, stages.Other)} {
		d := on
		if i == 0 || !shared {
			d = e.openStageDevice()
		}
		if i == 0 {
			on = d
		}
		added[i] = link.newSession(c)
		e.do(func() error {
			e.engine.mu.Lock()
			defer e.engine.mu.Unlock()
			return added[i].install(d.Name(), shared)
		})
	}
	e.do(func() (err error) {
		socket, err = packets.Open(on.Name())
		return err
	})
	e.t.Cleanup(func() { socket.Close() })
	return stageSessions{added[0], added[1]}, on, socket
}

// openStageDevice opens a TUN by which nothing is sent but what a test sends.
func (e *station) openStageDevice() *stageDevice {
	e.t.Helper()
	d := &stageDevice{}
	e.do(func() (err error) {
		d.vnetTUN, err = openOffloadTUN()
		return err
	})
	sh(e.t, e.ns, "sysctl", "-q", "-w", "net.ipv6.conf."+d.Name()+".disable_ipv6=1")
	sh(e.t, e.ns, "ip", "link", "set", d.Name(), "up", "mtu", "9000")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for b := make([]byte, 1<<16); ; {
			if _, err := d.File.Read(b); err != nil {
				return
			}
			d.read.Add(1)
		}
	}()
	e.t.Cleanup(func() { d.Close(); <-done })
	return d
}

// sendGSO sends a UDP datagram over IPv4 as a GSO packet.
func sendGSO(socket *packet.Conn, p []byte, segment int) error {
	h := make([]byte, vnetHeader)
	h[0], h[1] = unix.VIRTIO_NET_HDR_F_NEEDS_CSUM, unix.VIRTIO_NET_HDR_GSO_UDP_L4
	for i, n := range []uint16{28, uint16(segment), 20, 6} { // header length, segment, start and offset of the checksum
		binary.NativeEndian.PutUint16(h[2+2*i:], n)
	}
	_, err := socket.WriteTo(append(h, p...), &packet.Addr{HardwareAddr: make(net.HardwareAddr, 6)})
	return err
}
