package datapath_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
	"upppoe/tun/tuntest"
)

var (
	server = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}
	peer   = wire.Addr{2, 0, 0x5e, 0, 0x53, 2}
)

// packet returns a UDP packet without a checksum between two IPv4 addresses.
func packet(from, to netip.Addr, data string) []byte {
	b := []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0}
	b = append(append(b, from.AsSlice()...), to.AsSlice()...)
	b = append(b, 0xc0, 1, 0, 9, 0, 0, 0, 0)
	b = append(b, data...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	binary.BigEndian.PutUint16(b[24:], uint16(len(b)-20))
	return b
}

// address returns the inner address of a session.
func address(id uint16) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(id >> 8), byte(id)}) }

var outside = netip.MustParseAddr("203.0.113.5")

// attachment is an Ethernet segment with an engine and a peer on it.
type attachment struct {
	datapath.Engine
	port, peer *ethertest.Port
	reading    sync.WaitGroup
}

func newAttachment(t *testing.T, kind datapath.Kind) *attachment {
	segment := ethertest.New(ethertest.Config{})
	a := &attachment{port: segment.Port(server, wire.EtherTypeSession), peer: segment.Port(peer, wire.EtherTypeSession)}
	a.Engine = datapath.New(kind, []datapath.Port{a.port}, func([]byte) {}, func(datapath.SessionConfig) { t.Error("a device is lost") })
	a.reading.Go(func() { a.Receive(0) })
	return a
}

func (a *attachment) close() {
	a.port.Close()
	a.peer.Close()
	a.reading.Wait()
}

// add adds a session with IPv4 open and its address.
func (a *attachment) add(t *testing.T, d *datapath.SharedDevice, id uint16) datapath.Session {
	t.Helper()
	s, err := a.Add(datapath.SessionConfig{Key: datapath.Key{Local: server, Peer: peer, SessionID: id}, Shared: d})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetPrefixes([]netip.Prefix{netip.PrefixFrom(address(id), 32)}); err != nil {
		t.Fatal(err)
	}
	s.SetFamilies(true, false)
	return s
}

// sendUp sends a packet of the peer in a session.
func (a *attachment) sendUp(id uint16, p []byte) {
	a.peer.WriteBatch([][]byte{wire.AppendSessionFrame(nil, server, peer, id, append([]byte{0, 0x21}, p...))})
}

// receiveDown returns the session ID and the packet of the next frame that the peer receives.
func (a *attachment) receiveDown(t *testing.T) (id uint16, packet []byte) {
	t.Helper()
	frames := []datapath.Frame{{Data: make([]byte, 1600)}}
	if _, err := a.peer.ReadBatch(frames); err != nil {
		t.Fatal(err)
	}
	return binary.BigEndian.Uint16(frames[0].Data[16:]), frames[0].Data[datapath.HeadersLen:]
}

// TestSharedDevice: sessions of two engines, of each kind, share a device without GSO: packets reach
// the peer and the host, and errors the host. After Close nothing is read.
func TestSharedDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device := tuntest.New("pppoe0")
		d := datapath.NewSharedDevice(datapath.SharedConfig{
			Device: device, IPv4: netip.MustParseAddr("10.0.0.1"),
			Lost: func(err error) { t.Errorf("lost: %v", err) },
		})
		if d.Name() != "pppoe0" {
			t.Errorf("the name is %q", d.Name())
		}
		for i, kind := range []datapath.Kind{datapath.KindPlain, datapath.KindGSO} {
			a, id := newAttachment(t, kind), uint16(300+i)
			s := a.add(t, d, id)
			up, down := packet(address(id), outside, "up"), packet(outside, address(id), "down")
			a.sendUp(id, up)
			if got := <-device.Received(); !bytes.Equal(got, up) {
				t.Errorf("%v: the host receives % x", kind, got)
			}
			device.Inject(down)
			if got, p := a.receiveDown(t); got != id || !bytes.Equal(p, down) {
				t.Errorf("%v: session %d receives % x", kind, got, p)
			}
			if n := s.Remove(); n.SentPackets != 1 || n.ReceivedPackets != 1 || n.Dropped != 0 {
				t.Errorf("%v: counted %+v", kind, n)
			}
			device.Inject(down)
			if got := <-device.Received(); got[20] != 3 || netip.AddrFrom4([4]byte(got[16:])) != outside {
				t.Errorf("%v: the host receives % x, want host unreachable", kind, got)
			}
			a.close()
		}
		if n := d.Counters(); n.Unreachable != 2 {
			t.Errorf("counted %+v", n)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestSharedDeviceLost: a device that fails is reported once.
func TestSharedDeviceLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device, lost := tuntest.New("pppoe0"), 0
		d := datapath.NewSharedDevice(datapath.SharedConfig{Device: device, Lost: func(err error) {
			if lost++; err == nil {
				t.Error("lost without an error")
			}
		}})
		device.Close()
		synctest.Wait()
		if d.Close(); lost != 1 {
			t.Errorf("reported %d times", lost)
		}
	})
}

// TestSharedDeviceConcurrent: sessions are added, changed and removed while packets flow in both
// directions; those of a session that stays arrive. The race detector checks it.
func TestSharedDeviceConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device := tuntest.New("pppoe0")
		d := datapath.NewSharedDevice(datapath.SharedConfig{Device: device, Isolate: true, IPv4: netip.MustParseAddr("10.0.0.1")})
		a := newAttachment(t, datapath.KindGSO)
		stays := a.add(t, d, 1)
		var changers, traffic sync.WaitGroup
		for i := range uint16(8) {
			changers.Go(func() {
				for range 20 {
					s := a.add(t, d, 100+i)
					s.SetRates(datapath.Rate{Bits: 1e6}, datapath.Rate{})
					s.SetMTU(1000)
					time.Sleep(time.Millisecond)
					s.Send(packet(outside, address(100+i), "sent"))
					s.SetPrefixes([]netip.Prefix{netip.PrefixFrom(address(200+i), 32)})
					time.Sleep(time.Millisecond)
					s.Remove()
				}
			})
		}
		var done atomic.Bool
		sent := 0
		traffic.Go(func() {
			for ; !done.Load(); sent++ {
				for i := range uint16(8) {
					a.sendUp(100+i, packet(address(100+i), address(101), "to another"))
					device.Inject(packet(outside, address(100+i), "down"))
					device.Inject(packet(outside, address(200+i), "down"))
				}
				a.sendUp(1, packet(address(1), outside, "up"))
				device.Inject(packet(outside, address(1), "down"))
				time.Sleep(time.Millisecond)
			}
		})
		traffic.Go(func() {
			for range device.Received() {
				if done.Load() {
					return
				}
			}
		})
		traffic.Go(func() {
			frames := []datapath.Frame{{Data: make([]byte, 1600)}}
			for !done.Load() {
				a.peer.ReadBatch(frames)
			}
		})
		changers.Wait()
		synctest.Wait()
		done.Store(true)
		time.Sleep(time.Second)
		device.Inject(packet(outside, address(99), "unreachable, which ends the reader"))
		a.sendUp(1, packet(address(1), outside, "the last"))
		a.close()
		d.Close()
		traffic.Wait()
		if n := stays.Counters(); sent < 20 || n.SentPackets < uint64(sent) || n.ReceivedPackets < uint64(sent) || n.Dropped != 0 {
			t.Errorf("of %d packets each way: %+v", sent, n)
		}
	})
}
