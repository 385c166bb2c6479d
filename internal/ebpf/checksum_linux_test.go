package ebpf

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"upppoe/internal/roottest"
	"upppoe/pppoe/vlan"
)

// withChecksumComplete replaces the Ethernet interface by a VXLAN, whose frames carry the sum of
// their octets, as those of some network cards do (CHECKSUM_COMPLETE).
func withChecksumComplete(e *station, _ *Config) {
	e.t.Helper()
	here, there := 1, 2
	if e.addr == addrs[1] {
		here, there = there, here
	}
	out, err := e.ns.Run("sh", "-ec", fmt.Sprintf(`
		ip link set eth0 down
		ip link set eth0 name under0
		ip link set under0 up mtu 2000
		ethtool -K under0 tx off rx off
		ip addr add 192.0.2.%d/24 dev under0
		ip link add eth0 address %v type vxlan id 1 remote 192.0.2.%d dstport 4789 udpcsum dev under0
		ip link set eth0 up mtu 1500`, here, e.addr, there))
	if err != nil {
		e.t.Fatalf("%v: %s", err, out)
	}
}

// checksumProgram stores the sum of the octets of the last ICMP packet, or -524 (ENOTSUPP) if it
// has none.
func checksumProgram(to int) asm.Instructions {
	p := &program{}
	p.add(asm.Mov.Reg(asm.R6, asm.R1), asm.Mov.Imm(asm.R2, 0))
	p.load(inSKB, stackIP, 20, "leave")
	p.add(
		asm.LoadMem(asm.R1, asm.RFP, stackIP, asm.Byte),
		asm.JNE.Imm(asm.R1, 0x45, "leave"),
		asm.LoadMem(asm.R1, asm.RFP, stackIP+9, asm.Byte),
		asm.JNE.Imm(asm.R1, 1, "leave"),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnCsumUpdate.Call(),
		asm.LoadMapValue(asm.R1, to, 0),
		asm.StoreMem(asm.R1, 0, asm.R0, asm.DWord),
	)
	p.label("leave")
	p.ret(tcxNext)
	return p.ins
}

// TestChecksumComplete: packets of frames with CHECKSUM_COMPLETE have the sum of their own octets,
// which is 0 in ones' complement for every ICMP packet, headers included.
func TestChecksumComplete(t *testing.T) {
	roottest.Need(t, "ip", "ethtool")
	s := newNetwork(t, withChecksumComplete)
	for i, text := range []string{"0", "50", "50.100"} {
		stack, err := vlan.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		here, there := s.vlanSession(byte(1+i), stack, 1400)
		m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		var h hooks
		there.do(func() error {
			iface, err := net.InterfaceByName(there.device.Name())
			if err != nil {
				return err
			}
			return h.attachTC(iface.Index, ingress, "checksum", checksumProgram(m.FD()))
		})
		defer h.close()
		exchange(t, here, there, there.ipv4, 1<<18)
		exchange(t, here, there, there.ipv6, 1<<18)
		if _, err := here.ns.Ping(there.ipv4, 1, time.Second); err != nil {
			t.Fatal(err)
		}
		var sum int64
		if err := m.Lookup(uint32(0), &sum); err != nil {
			t.Fatal(err)
		}
		if sum <= 0 || sum%0xffff != 0 {
			t.Errorf("%s: the sum is %#x", text, sum)
		}
	}
}
