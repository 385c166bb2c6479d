package afpacket_test

import (
	"bytes"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/wire"
)

// TestAttachProgram: frames that a port has received before its filter is attached are dropped, and later
// ones received. Those that wait in an inherited socket are received.
func TestAttachProgram(t *testing.T) {
	for name, inherits := range map[string]bool{"opened": false, "inherited": true} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t)
			all := passAll(t)
			a := afpacket.Attachment{Interface: "near"}
			var ports pppoe.Ports
			w.do(w.near, func() (err error) {
				ports, err = afpacket.OpenPorts(a)
				return err
			})
			if inherits {
				files := passOn(t, ports)
				ports.Close()
				w.do(w.near, func() (err error) {
					ports, err = afpacket.FilePorts(a, files)
					return err
				})
			}
			defer ports.Close()
			port := ports.Session.(*afpacket.Port)
			from := w.on(w.far, afpacket.Attachment{Interface: "far"}, wire.EtherTypeSession)
			numbered := func(number uint32) []byte { return numberedFrame(port.Addr(), from.Addr(), 0, number) }
			if _, err := from.WriteBatch([][]byte{numbered(1)}); err != nil {
				t.Fatal(err)
			}
			if err := port.AttachProgram(all.FD()); err != nil {
				t.Fatal(err)
			}
			if _, err := from.WriteBatch([][]byte{numbered(2)}); err != nil {
				t.Fatal(err)
			}
			want := uint32(2)
			if inherits {
				want = 1
			}
			if got := w.read(port, 1)[0].Data; !bytes.Equal(got, numbered(want)) {
				t.Errorf("%x was received first, want %x", got, numbered(want))
			}
		})
	}
}

// passAll returns a filter that passes all frames.
func passAll(t *testing.T) *ebpf.Program {
	t.Helper()
	all, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SocketFilter, License: "MIT",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 1<<18), asm.Return()},
	})
	if err != nil {
		roottest.SkipMissing(t, err.Error())
	}
	t.Cleanup(func() { all.Close() })
	return all
}
