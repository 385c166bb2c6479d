package pppoe_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// scanner is the station that scans.
var scanner = wire.Addr{2, 0, 0x5e, 0, 0x53, 0xaa}

func vlans(t testing.TB, text string) []vlan.Stack {
	t.Helper()
	list, err := vlan.ParseList(text)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// answering starts a concentrator that answers PADIs until its port is closed.
func answering(t testing.TB, port datapath.Port, name string) {
	t.Cleanup(func() { port.Close() })
	c := discovery.NewConcentrator(port.Addr(), discovery.ConcentratorConfig{ACName: name})
	// Ends with the port.
	go func() {
		frames := []datapath.Frame{{Data: make([]byte, 1514)}}
		for {
			if _, err := port.ReadBatch(frames); err != nil {
				return
			}
			f, err := wire.ParseDiscoveryFrame(frames[0].Data)
			if err != nil || f.Code != wire.PADI {
				continue
			}
			var q wire.Queue
			c.ReceivePADI(time.Now(), f, &q)
			for _, f := range q.All() {
				port.WriteBatch([][]byte{f.AppendTo(nil)})
			}
		}
	}()
}

func station(n int) wire.Addr {
	return wire.Addr{2, 0, 0x5e, 0x10, byte(n >> 8), byte(n)}
}

// scanResults are results as text, in order.
type scanResults []string

func (l *scanResults) found(s pppoe.ScanResult) {
	*l = append(*l, fmt.Sprintf("%v %v %s", s.VLAN, s.AC, s.Name()))
}

// TestScan: a scan finds 50 concentrators on 4094 VLANs in less than ten seconds, even if frames
// are lost, and reports the tag of each.
func TestScan(t *testing.T) {
	for _, loss := range []float64{0, 0.1} {
		synctest.Test(t, func(t *testing.T) {
			segment := ethertest.New(ethertest.Config{Seed: 3, Loss: loss})
			var want scanResults
			for i := range 50 {
				tags := vlan.Stack{{TPID: vlan.CTag, VID: uint16(1 + i*83)}}
				name := fmt.Sprintf("ac-%d", i)
				answering(t, segment.Tagged(station(i), wire.EtherTypeDiscovery, tags), name)
				want = append(want, fmt.Sprintf("%v %v %s", tags, station(i), name))
			}
			answering(t, segment.Port(station(999), wire.EtherTypeDiscovery), "untagged")
			cfg := pppoe.ScanConfig{VLANs: vlans(t, "1-4094")}
			if loss > 0 {
				cfg.Client.Attempts = 8
			}
			var got scanResults
			start := time.Now()
			if err := pppoe.Scan(t.Context(), segment.Trunk(scanner, wire.EtherTypeDiscovery), cfg, got.found); err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("found %q, want %q", got, want)
			}
			if took := time.Since(start); loss == 0 && took > 7*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// busy starts a concentrator in VLANs that takes a time for each PADI, and has room for a number of them while it is
// busy, until stop is called.
func busy(port datapath.Port, room int, takes time.Duration) (stop func()) {
	c := discovery.NewConcentrator(port.Addr(), discovery.ConcentratorConfig{ACName: "busy"})
	waiting := make(chan []byte, room)
	var running sync.WaitGroup
	running.Go(func() {
		defer close(waiting)
		frames := []datapath.Frame{{Data: make([]byte, 1522)}}
		for {
			if _, err := port.ReadBatch(frames); err != nil {
				return
			}
			select {
			case waiting <- bytes.Clone(frames[0].Data):
			default:
			}
		}
	})
	running.Go(func() {
		for frame := range waiting {
			time.Sleep(takes) // virtual
			tags, bare, _ := vlan.Strip(frame)
			f, err := wire.ParseDiscoveryFrame(bare)
			if err != nil || f.Code != wire.PADI {
				continue
			}
			var q wire.Queue
			c.ReceivePADI(time.Now(), f, &q)
			for _, f := range q.All() {
				port.WriteBatch([][]byte{tags.Insert(f.AppendTo(nil), 0)})
			}
		}
	})
	return func() { port.Close(); running.Wait() }
}

// TestScanBusy: a scan finds a concentrator in all VLANs, though that answers more slowly than it is asked, and loses what
// it has no room for; but asks no more often than it is told.
func TestScanBusy(t *testing.T) {
	const room = 1024
	for _, c := range []struct {
		attempts, fewest, most int
		takes                  time.Duration
	}{{0, 4094, 4094, 2500 * time.Microsecond}, {0, 4094, 4094, 10 * time.Millisecond}, {1, room, 2 * room, 2500 * time.Microsecond}} {
		synctest.Test(t, func(t *testing.T) {
			segment := ethertest.New(ethertest.Config{})
			stop := busy(segment.Trunk(station(1), wire.EtherTypeDiscovery), room, c.takes)
			defer stop()
			found := 0
			cfg := pppoe.ScanConfig{VLANs: vlans(t, "1-4094"), Client: discovery.ClientConfig{Attempts: c.attempts}}
			if err := pppoe.Scan(t.Context(), segment.Trunk(scanner, wire.EtherTypeDiscovery), cfg, func(pppoe.ScanResult) { found++ }); err != nil {
				t.Fatal(err)
			}
			if found < c.fewest || found > c.most {
				t.Errorf("%+v: found in %d VLANs", c, found)
			}
		})
	}
}

// TestScanReader: answers that have arrived in time are reported, though who is told of them is slow.
func TestScanReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		segment := ethertest.New(ethertest.Config{})
		const concentrators = 100
		for i := range concentrators {
			answering(t, segment.Port(station(i), wire.EtherTypeDiscovery), "ac")
		}
		found := 0
		if err := pppoe.Scan(t.Context(), segment.Port(scanner, wire.EtherTypeDiscovery), pppoe.ScanConfig{}, func(pppoe.ScanResult) {
			found++
			time.Sleep(time.Second) // virtual
		}); err != nil {
			t.Fatal(err)
		}
		if found != concentrators {
			t.Errorf("found %d concentrators, want %d", found, concentrators)
		}
	})
}

// TestScanPairs: tag pairs and untagged frames are scanned too, with the configured priority and
// Host-Uniq.
func TestScanPairs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		segment := ethertest.New(ethertest.Config{Watch: func(b []byte) {
			tags, bare, _ := vlan.Strip(bytes.Clone(b))
			if f, err := wire.ParseDiscoveryFrame(bare); err == nil && f.Code == wire.PADI {
				uniq, _ := f.Tags.Find(wire.TagHostUniq)
				asked = append(asked, fmt.Sprintf("%v %d %x", tags, b[14]>>5, uniq))
			}
		}})
		pair := vlan.Stack{{TPID: vlan.STag, VID: 10}, {TPID: vlan.CTag, VID: 201}}
		answering(t, segment.Tagged(station(1), wire.EtherTypeDiscovery, pair), "pair")
		for i, text := range []string{"0x8100:1.0x8100:2", "0x9100:3"} {
			tags, _ := vlan.Parse(text)
			answering(t, segment.Tagged(station(4+i), wire.EtherTypeDiscovery, tags), "old")
		}
		answering(t, segment.Port(station(2), wire.EtherTypeDiscovery), "none")
		answering(t, segment.Port(station(3), wire.EtherTypeDiscovery), "none too")
		cfg := pppoe.ScanConfig{VLANs: vlans(t, "10.200-201,untagged,0x8100:1.0x8100:2,0x9100:3"), Priority: 6}
		cfg.Client = discovery.ClientConfig{HostUniq: []byte{0xab}, Attempts: 2}
		var got scanResults
		if err := pppoe.Scan(t.Context(), segment.Trunk(scanner, wire.EtherTypeDiscovery), cfg, got.found); err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		if want := (scanResults{"0x8100:1.0x8100:2 " + station(4).String() + " old", "0x9100:3 " + station(5).String() + " old", "10.201 " + station(1).String() + " pair", "untagged " + station(2).String() + " none", "untagged " + station(3).String() + " none too"}); !slices.Equal(got, want) {
			t.Errorf("found %q, want %q", got, want)
		}
		// The VLAN without an answer is tried again.
		if want := []string{"10.200 6 ab00000000", "10.201 6 ab00000001", "untagged 0 ab00000002", "0x8100:1.0x8100:2 6 ab00000003", "0x9100:3 6 ab00000004", "10.200 6 ab00000005"}; !slices.Equal(asked, want) {
			t.Errorf("asked %q, want %q", asked, want)
		}
	})
}

// TestScanLeak: an answer on another VLAN than the PADI's is reported with both, and with its
// latency.
func TestScanLeak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		segment := ethertest.New(ethertest.Config{})
		port := segment.Trunk(station(1), wire.EtherTypeDiscovery)
		defer port.Close()
		// Ends with the port.
		go leak(port)
		var got []pppoe.ScanResult
		cfg := pppoe.ScanConfig{VLANs: vlans(t, "50")}
		if err := pppoe.Scan(t.Context(), segment.Trunk(scanner, wire.EtherTypeDiscovery), cfg, func(s pppoe.ScanResult) { got = append(got, s) }); err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0].VLAN.String() != "51" || got[0].RequestVLAN.String() != "50" || got[0].Latency != 30*time.Millisecond {
			t.Errorf("found %v, want one on 51 after asking on 50, 30 ms ago", got)
		}
	})
}

// leak answers each PADI on VLAN 51 after 30 ms, and sends packets that answer none.
func leak(port datapath.Port) {
	frames := []datapath.Frame{{Data: make([]byte, 1522)}}
	for {
		if _, err := port.ReadBatch(frames); err != nil {
			return
		}
		f, err := wire.ParseDiscoveryFrame(frames[0].Data)
		if err != nil {
			continue
		}
		time.Sleep(30 * time.Millisecond) // virtual
		uniq, _ := f.Tags.Find(wire.TagHostUniq)
		for _, number := range []uint32{1, 2, 3, 7} { // there are two requests, of which one was sent
			binary.BigEndian.PutUint32(uniq[len(uniq)-4:], number)
			answer(port, f, uniq)
		}
		binary.BigEndian.PutUint32(uniq[len(uniq)-4:], 0)
		answer(port, f, uniq[:4])
		uniq[0]++
		answer(port, f, uniq)
		uniq[0]--
		answer(port, f, uniq)
	}
}

func answer(port datapath.Port, f wire.DiscoveryFrame, uniq []byte) {
	tags := wire.Tags(nil).Append(wire.TagACName, []byte("leak")).Append(wire.TagServiceName, nil).Append(wire.TagHostUniq, uniq)
	pado := wire.DiscoveryFrame{Dst: f.Src, Src: port.Addr(), Discovery: wire.Discovery{Code: wire.PADO, Tags: tags}}
	tag := vlan.Stack{{TPID: vlan.CTag, VID: 51}}
	port.WriteBatch([][]byte{tag.Insert(pado.AppendTo(nil), 0)})
}

// TestScanAgain: with an Interval another round follows, and reports concentrators again.
func TestScanAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		segment := ethertest.New(ethertest.Config{})
		first := segment.Port(station(1), wire.EtherTypeDiscovery)
		answering(t, first, "first")
		ctx, cancel := context.WithCancel(t.Context())
		var got scanResults
		start := time.Now()
		cfg := pppoe.ScanConfig{Interval: 30 * time.Second}
		rounds := 0
		cfg.RoundDone = func(now time.Time) {
			got = append(got, fmt.Sprintf("done after %v", now.Sub(start)))
			switch rounds++; rounds {
			case 1:
				answering(t, segment.Port(station(2), wire.EtherTypeDiscovery), "second")
			case 2:
				first.Close()
			case 3:
				cancel()
			}
		}
		if err := pppoe.Scan(ctx, segment.Port(scanner, wire.EtherTypeDiscovery), cfg, got.found); err != nil {
			t.Fatal(err)
		}
		one, two := "untagged "+station(1).String()+" first", "untagged "+station(2).String()+" second"
		slices.Sort(got[2:4])
		if want := (scanResults{one, "done after 2s", one, two, "done after 32s", two, "done after 1m2s"}); !slices.Equal(got, want) {
			t.Errorf("reported %q, want %q", got, want)
		}
	})
}

// TestScanLost: Scan returns the error of a lost port.
func TestScanLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("gone")
		port := failing{ethertest.New(ethertest.Config{}).Port(scanner, wire.EtherTypeDiscovery), gone}
		if err := pppoe.Scan(t.Context(), port, pppoe.ScanConfig{}, func(pppoe.ScanResult) {}); !errors.Is(err, gone) {
			t.Errorf("%v, want %v", err, gone)
		}
		if _, err := port.WriteBatch([][]byte{make([]byte, 60)}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the port is not closed, but returns %v", err)
		}
	})
}

// failing is a port whose ReadBatch fails.
type failing struct {
	datapath.Port
	err error
}

func (f failing) ReadBatch([]datapath.Frame) (int, error) { return 0, f.err }
