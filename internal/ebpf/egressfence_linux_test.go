package ebpf

import (
	"bytes"
	"encoding/binary"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
)

// fencedAddress is the source address of frames that are fenced.
var fencedAddress = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}

// fenceBed is a station with a fence, and another that receives.
type fenceBed struct {
	t      *testing.T
	ns     [2]*lab.Namespace
	fence  *EgressFence
	socket [2]int
	number byte // of the last frame
}

func newFenceBed(t *testing.T, prepare func(*EgressFence)) *fenceBed {
	t.Helper()
	roottest.Need(t)
	b := &fenceBed{t: t}
	for i := range b.ns {
		ns, err := lab.NewNamespace()
		check(t, err)
		t.Cleanup(func() { ns.Close() })
		b.ns[i] = ns
	}
	b.connect()
	var err error
	b.fence, err = OpenEgressFence(fencedAddress, wire.EtherTypeDiscovery, wire.EtherTypeSession)
	check(t, err)
	prepare(b.fence)
	t.Cleanup(func() { b.here(b.fence.Close) })
	return b
}

// connect creates the interfaces of the stations.
func (b *fenceBed) connect() {
	b.t.Helper()
	check(b.t, lab.Veth(lab.End{In: b.ns[0], Name: ethernet}, lab.End{In: b.ns[1], Name: ethernet}))
	// Frames arrive by one queue, in the order they were sent, whichever processor sends them.
	check(b.t, b.ns[1].Offload(ethernet, true, lab.GRO))
	for i, ns := range b.ns {
		check(b.t, ns.Do(func() (err error) { b.socket[i], err = rawSocket(ethernet); return err }))
		fd := b.socket[i]
		b.t.Cleanup(func() { unix.Close(fd) })
	}
}

// here runs a function at the station with the fence.
func (b *fenceBed) here(f func() error) {
	b.t.Helper()
	check(b.t, b.ns[0].Do(f))
}

// attach fences the interface: once is enough.
func (b *fenceBed) attach() {
	b.t.Helper()
	for range 2 {
		b.here(func() error { return b.fence.Attach(ethernet) })
	}
}

// attachBefore attaches a program that runs before the fence if that is not at the head.
func (b *fenceBed) attachBefore(ins ...asm.Instruction) {
	b.t.Helper()
	h := hooks{atHead: true}
	b.t.Cleanup(func() { h.close() })
	b.here(func() error { return h.attachTC(mustLink(b.t, ethernet).Attrs().Index, egress, "before", ins) })
}

// fenceHooks choose the hook.
var fenceHooks = map[string]func(*EgressFence){"TCX": func(*EgressFence) {}, "clsact": func(f *EgressFence) { f.hooks.useClsact = true }}

// rawSocket opens a packet socket for all frames of an interface. It waits for a frame for 10 s at most.
func rawSocket(name string) (int, error) {
	at, err := net.InterfaceByName(name)
	if err != nil {
		return -1, err
	}
	const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, all)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: at.Index}); err != nil {
		return -1, err
	}
	return fd, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10})
}

// fenceMark is what frames of these tests have behind their EtherType; a number follows.
var fenceMark = []byte("\x11\x00fence")

// send sends a frame.
func (b *fenceBed) send(source wire.Addr, types ...uint16) (number byte) {
	b.t.Helper()
	b.number++
	frame := append(wire.Broadcast[:], source[:]...)
	for i, t := range types {
		if frame = binary.BigEndian.AppendUint16(frame, t); i < len(types)-1 {
			frame = append(frame, 0, byte(10+i)) // a tag
		}
	}
	frame = append(append(frame, fenceMark...), b.number)
	frame = append(frame, make([]byte, max(0, 64-len(frame)))...)
	if _, err := unix.Write(b.socket[0], frame); err != nil && err != unix.ENOBUFS { // ENOBUFS: the frame was dropped
		b.t.Fatal(err)
	}
	return b.number
}

// passes reports whether a frame reaches the other station, which receives frames in order: another one from another
// address follows.
func (b *fenceBed) passes(source wire.Addr, types ...uint16) (passes bool) {
	b.t.Helper()
	number := b.send(source, types...)
	last := b.send(addrs[1], unix.ETH_P_IP)
	buffer := make([]byte, 2048)
	for {
		n, err := unix.Read(b.socket[1], buffer)
		if err != nil {
			b.t.Fatalf("the last frame does not arrive: %v", err)
		}
		_, after, ours := bytes.Cut(buffer[:n], fenceMark)
		switch {
		case ours && after[0] == number:
			passes = true
		case ours && after[0] == last:
			return passes
		}
	}
}

// TestEgressFence: from the deadline on, PPPoE frames from the address are dropped and counted, whatever tags they
// have, also in metadata; those from other addresses, and of other EtherTypes, pass. A later deadline, none, and Close
// let all pass.
func TestEgressFence(t *testing.T) {
	for name, prepare := range fenceHooks {
		t.Run(name, func(t *testing.T) {
			b := newFenceBed(t, prepare)
			b.attach()
			passed := time.Now()
			for _, at := range []time.Time{{}, passed, passed.Add(time.Hour), passed, {}, passed} {
				b.fence.SetDeadline(at)
				b.checkFrames(at == passed)
			}
			if haveTCX(t) {
				b.attachBefore(
					asm.Mov.Imm(asm.R2, networkOrder(vlan.CTag)), asm.Mov.Imm(asm.R3, 7), asm.FnSkbVlanPush.Call(),
					asm.Mov.Imm(asm.R0, tcxNext), asm.Return(),
				)
				b.checkFrames(true)
			}
			b.here(b.fence.Close)
			b.checkFrames(false)
		})
	}
}

// checkFrames sends frames of all kinds.
func (b *fenceBed) checkFrames(fenced bool) {
	b.t.Helper()
	for _, tags := range [][]uint16{nil, {vlan.CTag}, {vlan.STag}, {0x9100}, {vlan.STag, vlan.CTag}, {vlan.CTag, vlan.CTag}} {
		for _, source := range []wire.Addr{fencedAddress, {2, 0, 0x5e, 0, 0x53, 2}, {2, 0, 0x5f, 0, 0x53, 1}} {
			for _, of := range []uint16{wire.EtherTypeDiscovery, wire.EtherTypeSession, unix.ETH_P_IP, 0x88b5} {
				before := b.fence.Dropped()
				want := !fenced || source != fencedAddress || of == unix.ETH_P_IP || of == 0x88b5
				got := b.passes(source, append(slices.Clone(tags), of)...)
				if counted := b.fence.Dropped() - before; got != want || counted == 0 != want || counted > 1 {
					b.t.Errorf("fenced %v: EtherType %#x from %v with tags %#x passes: %v, want %v; %d are counted", fenced, of, source, tags, got, want, counted)
				}
			}
		}
	}
}

// TestEgressFenceFirst: a program of another process that lets frames pass, and was attached before, does not open the
// fence.
func TestEgressFenceFirst(t *testing.T) {
	if !haveTCX(t) {
		roottest.SkipMissing(t, "this kernel has no TCX (Linux 6.6): filters of others come first")
	}
	b := newFenceBed(t, fenceHooks["TCX"])
	const ok = 0 // TC_ACT_OK
	b.attachBefore(asm.Mov.Imm(asm.R0, ok), asm.Return())
	b.attach()
	b.fence.SetDeadline(time.Now())
	if b.passes(fencedAddress, wire.EtherTypeSession) {
		t.Error("the frame passes")
	}
}

// TestEgressFenceInterface: an interface that does not exist is an error; one that was created anew is fenced again,
// for which CAP_NET_ADMIN suffices.
func TestEgressFenceInterface(t *testing.T) {
	for name, prepare := range fenceHooks {
		t.Run(name, func(t *testing.T) {
			b := newFenceBed(t, prepare)
			b.attach()
			b.fence.SetDeadline(time.Now())
			b.here(func() error { return netlink.LinkDel(mustLink(t, ethernet)) })
			b.here(func() error {
				if err := b.fence.Attach(ethernet); err == nil {
					t.Error("an interface that does not exist is fenced")
				}
				return nil
			})
			b.connect()
			if !b.passes(fencedAddress, wire.EtherTypeSession) {
				t.Error("the frame does not pass an interface that is not fenced")
			}
			b.here(func() error {
				if err := keepNetAdmin(); err != nil {
					return err
				}
				return b.fence.Attach(ethernet)
			})
			if b.passes(fencedAddress, wire.EtherTypeSession) {
				t.Error("the frame passes")
			}
		})
	}
}
