package pppoe

import (
	"testing"
	"time"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// TestResultBounds: of forged concentrators a probe reports 4096, and a scan 65,536 per round.
func TestResultBounds(t *testing.T) {
	forged := func(i int, uniq string) []byte {
		f := answer(wire.PADO, 0, named, anyService, tag(wire.TagHostUniq, uniq))
		f.Dst, f.Src = acAddr, wire.Addr{2, 0, 0, byte(i >> 16), byte(i >> 8), byte(i)}
		return f.AppendTo(nil)
	}
	reported := 0
	cfg := discovery.ClientConfig{HostUniq: []byte("mine"), Probe: true}
	p := newProbe(noPort{}, cfg, func(discovery.Offer, time.Duration) { reported++ })
	p.client.Start(epoch, &p.queue)
	for i := range 4100 {
		p.receive(epoch, forged(i, "mine"))
	}
	if reported != 4096 {
		t.Errorf("a probe reports %d concentrators, want 4096", reported)
	}
	reported = 0
	s := newScan(noPort{}, ScanConfig{Client: cfg}, func(ScanResult) { reported++ })
	s.startRound(epoch)
	s.sendBatch(epoch)
	for i := range 65540 {
		s.receive(epoch, forged(i, "mine\x00\x00\x00\x00"))
	}
	if reported != 65536 {
		t.Errorf("a scan reports %d concentrators, want 65536", reported)
	}
}

// TestPrePADSBounds: of frames that overtake a PADS four are kept: LCP, from the concentrator that
// was sent a PADR.
func TestPrePADSBounds(t *testing.T) {
	h, q := startedClient(discovery.ClientConfig{})
	d := &dialer{discovery: h}
	receive := func(from wire.Addr, protocol uint16) int {
		d.handleUnknownSession(epoch, datapath.Key{Local: acAddr, Peer: from, SessionID: 7}, wire.AppendSessionFrame(nil, acAddr, from, 7, []byte{byte(protocol >> 8), byte(protocol), 1, 1, 0, 4}))
		return len(d.prePADS)
	}
	if receive(acAddr, 0xc021) != 0 {
		t.Error("one is kept before there is a PADR")
	}
	h.Receive(epoch, answer(wire.PADO, 0, named, anyService, ourHostUniq), q)
	if receive(wire.Addr{2, 9}, 0xc021) != 0 || receive(acAddr, 0x8021) != 0 {
		t.Error("one of another concentrator is kept, or of IPCP")
	}
	for i, want := range []int{1, 2, 3, 4, 4} {
		if got := receive(acAddr, 0xc021); got != want {
			t.Errorf("of %d frames %d are kept, want %d", i+1, got, want)
		}
	}
}

// TestScanAnswers: which packets answer a request of a scan: a PADO for us, from a station, for a
// request that was sent.
func TestScanAnswers(t *testing.T) {
	good := answer(wire.PADO, 0, named, anyService, tag(wire.TagHostUniq, "mine\x00\x00\x00\x00"))
	good.Dst = acAddr
	for _, c := range []struct {
		what   string
		change func(*wire.DiscoveryFrame)
		ok     bool
	}{
		{"as it should be", func(*wire.DiscoveryFrame) {}, true},
		{"a PADS", func(f *wire.DiscoveryFrame) { f.Code = wire.PADS }, false},
		{"for another", func(f *wire.DiscoveryFrame) { f.Dst = hostAddr }, false},
		{"for all", func(f *wire.DiscoveryFrame) { f.Dst = wire.Broadcast }, false},
		{"from a group", func(f *wire.DiscoveryFrame) { f.Src = wire.Broadcast }, false},
		{"without Host-Uniq", func(f *wire.DiscoveryFrame) { f.Tags = answer(wire.PADO, 0, named, anyService).Tags }, false},
		{"a Host-Uniq cut short", func(f *wire.DiscoveryFrame) {
			f.Tags = answer(wire.PADO, 0, named, anyService, tag(wire.TagHostUniq, "mine\x00\x00\x00")).Tags
		}, false},
		{"a request that was not sent yet", func(f *wire.DiscoveryFrame) {
			f.Tags = answer(wire.PADO, 0, named, anyService, tag(wire.TagHostUniq, "mine\x00\x00\x00\x01")).Tags
		}, false},
		{"a request number after the last", func(f *wire.DiscoveryFrame) {
			f.Tags = answer(wire.PADO, 0, named, anyService, tag(wire.TagHostUniq, "mine\x00\x00\x00\x02")).Tags
		}, false},
	} {
		reported := 0
		cfg := discovery.ClientConfig{HostUniq: []byte("mine")}
		s := newScan(noPort{}, ScanConfig{Client: cfg}, func(ScanResult) { reported++ })
		s.startRound(epoch)
		s.sendBatch(epoch)
		f := good
		c.change(&f)
		if s.receive(epoch, f.AppendTo(nil)); (reported == 1) != c.ok {
			t.Errorf("%s: reported %d times, want it to be one: %v", c.what, reported, c.ok)
		}
	}
}
