package linux

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/vlan"
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

// fencedSource is an address whose frames the kernel drops.
var fencedSource = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}

// TestFencedSource: the kernel drops frames that a port sends after the deadline, with each data path, in a VLAN and on
// a trunk, until Close.
func TestFencedSource(t *testing.T) {
	a := afpacket.Attachment{Interface: "eth0", Source: fencedSource}
	inVLAN := a
	inVLAN.VLAN = vlan.Stack{{TPID: vlan.CTag, VID: 7}}
	for name, open := range map[string]func(*Opener) (pppoe.Ports, error){
		"untagged": func(o *Opener) (pppoe.Ports, error) { return o.Open(a) },
		"in VLAN":  func(o *Opener) (pppoe.Ports, error) { return o.Open(inVLAN) },
		"trunk": func(o *Opener) (pppoe.Ports, error) {
			return o.OpenTrunk(afpacket.Trunk{Attachment: a, VLANs: vlan.Any()})
		},
	} {
		for _, path := range []datapath.Kind{datapath.KindPlain, datapath.KindGSO, datapath.KindAuto, datapath.KindKernel} {
			t.Run(name+"/"+path.String(), func(t *testing.T) { testFencedSource(t, path, open) })
		}
	}
}

func testFencedSource(t *testing.T, path datapath.Kind, opener func(*Opener) (pppoe.Ports, error)) {
	p := open(t, path)
	p.FencedSource = fencedSource
	var ports pppoe.Ports
	if err := p.ns.Do(func() (err error) { ports, err = opener(p.Opener); return err }); err != nil {
		t.Fatal(err)
	}
	defer ports.Close()
	send := func(after string, want int) {
		t.Helper()
		before, sent := p.Fenced(), 0
		for etherType, port := range map[uint16]datapath.Port{wire.EtherTypeDiscovery: ports.Discovery, wire.EtherTypeSession: ports.Session, AnnouncementType: ports.Discovery} {
			frame := append(append(wire.Broadcast[:], fencedSource[:]...), byte(etherType>>8), byte(etherType))
			n, _ := port.WriteBatch([][]byte{append(frame, make([]byte, 46)...)}) // an error, if it is dropped
			sent += n
		}
		if n := int(p.Fenced() - before); n != want || sent != 3-want {
			t.Errorf("%s: %d frames were dropped, want %d, and %d were sent", after, n, want, sent)
		}
	}
	send("without a deadline", 0)
	p.SetDeadline(time.Now())
	send("after the deadline", 3)
	p.SetDeadline(time.Now().Add(time.Hour))
	send("before another", 0)
	p.SetDeadline(time.Now())
	p.Close()
	send("after Close", 0)
}

// TestFencedSourceWithoutCapabilities: where the kernel cannot drop frames, ports are opened, and the log says so.
func TestFencedSourceWithoutCapabilities(t *testing.T) {
	p := open(t, datapath.KindPlain)
	var log bytes.Buffer
	p.Log, p.FencedSource = slog.New(slog.NewTextHandler(&log, nil)), fencedSource
	if _, err := p.openAttachmentAfter(giveUpBPF); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, "eth0: the kernel does not check frames against the deadline") || !strings.Contains(text, "lacks the capabilities") {
		t.Errorf("the log says %q", text)
	}
	if n := p.Fenced(); n != 0 {
		t.Errorf("%d frames were dropped", n)
	}
}

// TestPrepareFences: what Prepare has loaded needs no capability to load programs later.
func TestPrepareFences(t *testing.T) {
	p := open(t, datapath.KindPlain)
	var log bytes.Buffer
	p.Log, p.FencedSource = slog.New(slog.NewTextHandler(&log, nil)), fencedSource
	if _, err := p.openAttachmentAfter(func() error { p.Prepare("eth0"); return giveUpBPF() }); err != nil {
		t.Fatal(err)
	}
	p.ethernet()
	if _, err := p.openAttachmentAfter(giveUpBPF); err != nil || log.Len() > 0 {
		t.Errorf("%v, and the log says %q", err, &log)
	}
}
