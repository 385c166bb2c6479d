package afpacket_test

import (
	"errors"
	"os"
	"testing"

	"upppoe/internal/process/passfd"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
)

// passOn returns other descriptors of the sockets of ports, as another program gets them.
func passOn(t *testing.T, ports pppoe.Ports) (files []*os.File) {
	t.Helper()
	sockets, err := afpacket.Sockets(ports)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sockets {
		f, err := passfd.Duplicate(s, "passed on")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// TestInherit: frames that wait in the sockets of a program's ports are received by those of its successor,
// which gets the frames that come afterwards as its predecessor would have.
func TestInherit(t *testing.T) {
	for what, a := range map[string]afpacket.Attachment{
		"untagged":    {},
		"two tags":    {VLAN: stack(t, "50.100")},
		"odd tag":     {VLAN: stack(t, "0x9100:50")},
		"its own MAC": {Source: other},
	} {
		t.Run(what, func(t *testing.T) {
			a.Interface = "near"
			testInherit(t, a.VLAN, func() (pppoe.Ports, error) { return afpacket.OpenQueues(a, ports) },
				func(files []*os.File) (pppoe.Ports, error) { return afpacket.FilePorts(a, files) })
		})
	}
	trunk := afpacket.Trunk{Attachment: afpacket.Attachment{Interface: "near"}, VLANs: vlan.SetOf(vlan.Stack{})}
	t.Run("trunk", func(t *testing.T) {
		testInherit(t, vlan.Stack{}, func() (pppoe.Ports, error) { return afpacket.OpenTrunkQueues(trunk, ports) },
			func(files []*os.File) (pppoe.Ports, error) { return afpacket.FileTrunkPorts(trunk, files) })
	})
}

func testInherit(t *testing.T, tags vlan.Stack, open func() (pppoe.Ports, error), inherit func([]*os.File) (pppoe.Ports, error)) {
	w := newWire(t)
	if err := w.near.Offload("near", true, lab.GRO); err != nil {
		t.Fatal(err)
	}
	var before, after pppoe.Ports
	w.do(w.near, func() (err error) {
		before, err = open()
		return err
	})
	from := w.on(w.far, afpacket.Attachment{Interface: "far", VLAN: tags}, wire.EtherTypeSession)
	const waiting = 10
	for i := range uint32(waiting) {
		if n, err := from.WriteBatch([][]byte{numberedFrame(before.Session.Addr(), from.Addr(), 0, i)}); n != 1 {
			t.Fatal(err)
		}
	}
	files := passOn(t, before)
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	w.do(w.near, func() (err error) {
		after, err = inherit(files)
		return err
	})
	defer after.Close()
	if after.Session.Addr() != before.Session.Addr() || after.Session.MTU() != before.Session.MTU() ||
		(after.Shared == nil) != (before.Shared == nil) || (after.PayloadMTU == nil) != (before.PayloadMTU == nil) {
		t.Errorf("the ports are %+v, want %+v", after, before)
	}
	heard := listenAll(t, after)
	at, count := make(map[int]int), make(map[int]int)
	for range waiting {
		collect(t, <-heard, vlan.Stack{}, at, count)
	}
	checkFanout(t, from, after.Session.Addr(), heard)
}

// TestInheritOthers: sockets of another interface or ethertype, and what are no sockets, are refused.
func TestInheritOthers(t *testing.T) {
	w := newWire(t)
	a := afpacket.Attachment{Interface: "near"}
	w.do(w.near, func() error {
		opened, err := afpacket.OpenPorts(a)
		if err != nil {
			return err
		}
		defer opened.Close()
		null, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		defer null.Close()
		right := passOn(t, opened)
		for what, files := range map[string][]*os.File{
			"none": nil, "one": right[:1], "in another order": {right[1], right[0]}, "no sockets": {null, null},
		} {
			if _, err := afpacket.FilePorts(a, files); !errors.Is(err, afpacket.ErrInherited) {
				t.Errorf("%s: %v", what, err)
			}
		}
		tagged := a
		tagged.VLAN = stack(t, "50")
		if _, err := afpacket.FilePorts(tagged, right); !errors.Is(err, afpacket.ErrInherited) {
			t.Errorf("sockets of another VLAN: %v", err)
		}
		a.Interface = "lo"
		if _, err := afpacket.FilePorts(a, right); err == nil {
			t.Error("ports on lo")
		}
		return nil
	})
	if _, err := afpacket.Sockets(pppoe.Ports{}); !errors.Is(err, afpacket.ErrInherited) {
		t.Errorf("no ports: %v", err)
	}
}
