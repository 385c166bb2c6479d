package afpacket

import (
	"bytes"
	"encoding/binary"
	"testing"

	"golang.org/x/net/bpf"

	"upppoe/pppoe/vlan"
)

// packetOf returns an IP packet of a flow between two stations, in one direction or the other.
func packetOf(v6, back bool, proto byte, flow uint16) []byte {
	near, far := byte(10), byte(1)
	from, to := 40000+2*flow, uint16(443)
	if back {
		near, far, from, to = far, near, to, from
	}
	var b []byte
	if v6 {
		b = append([]byte{0x60, 0, 0, 0, 0, 20, proto, 64}, bytes.Repeat([]byte{0x20, 0, 0, near}, 4)...)
		b = append(b, bytes.Repeat([]byte{0x20, 0, 0, far}, 4)...)
	} else {
		b = []byte{0x45, 0, 0, 40, 0, 0, 0, 0, 64, proto, 0, 0, 192, 0, 2, near, 192, 0, 2, far}
	}
	b = binary.BigEndian.AppendUint16(b, from)
	b = binary.BigEndian.AppendUint16(b, to)
	return append(b, make([]byte, 16)...)
}

// sessionFrame prepends octets for tags, and the PPPoE header, to a packet.
func sessionFrame(tags int, code byte, session, protocol uint16, packet []byte) []byte {
	b := append(make([]byte, tags), 0x11, code)
	b = binary.BigEndian.AppendUint16(b, session)
	b = binary.BigEndian.AppendUint16(b, uint16(len(packet)+2))
	return append(binary.BigEndian.AppendUint16(b, protocol), packet...)
}

// fanoutVM returns a function that runs the program of an attachment.
func fanoutVM(t *testing.T, a Attachment) func(frame []byte) int {
	vm, err := bpf.NewVM(fanoutProgram(a))
	if err != nil {
		t.Fatal(err)
	}
	return func(frame []byte) int {
		n, err := vm.Run(frame)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

// TestTrunkFanout: a trunk selects the port of a frame as a port in one VLAN does, whatever tags
// are in band.
func TestTrunkFanout(t *testing.T) {
	frame := sessionFrame(0, 0, 7, 0x21, packetOf(false, false, 17, 3))
	run := fanoutVM(t, Attachment{})
	want := run(frame)
	if want == 0 {
		t.Fatal("the frame has the number of control frames")
	}
	for _, tags := range [][]byte{nil, {0, 5, 0x88, 0x64}, {0, 5, 0x81, 0, 0, 6, 0x88, 0x64}} {
		ethertype := uint32(0x8864)
		if len(tags) > 0 {
			ethertype = 0x8100
		}
		program := trunkFanout()
		for i, in := range program {
			if load, ok := in.(bpf.LoadExtension); ok && load.Num == bpf.ExtProto {
				program[i] = bpf.LoadConstant{Dst: bpf.RegA, Val: ethertype}
			}
		}
		vm, err := bpf.NewVM(program)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := vm.Run(append(bytes.Clone(tags), frame...)); got != want || err != nil {
			t.Errorf("%d octets of tags: number %d, want %d (%v)", len(tags), got, want, err)
		}
		if got, _ := vm.Run(append(bytes.Clone(tags), sessionFrame(0, 0, 7, 0xc021, nil)...)); got != 0 {
			t.Errorf("%d octets of tags: a control frame has number %d", len(tags), got)
		}
	}
}

var protocols = map[bool]uint16{false: 0x21, true: 0x57}

// TestFanoutProgram: the packets of a flow have one hash, in both directions; different flows and
// sessions have several; control frames and truncated ones get the first port.
func TestFanoutProgram(t *testing.T) {
	const ports = 4
	for name, a := range map[string]Attachment{
		"untagged":    {},
		"one tag":     {VLAN: vlan.Stack{{TPID: vlan.CTag, VID: 5}}},
		"two tags":    {VLAN: vlan.Stack{{TPID: vlan.STag, VID: 5}, {TPID: vlan.CTag, VID: 6}}},
		"an odd tag":  {VLAN: vlan.Stack{{TPID: 0x9100, VID: 5}}},
		"an odd pair": {VLAN: vlan.Stack{{TPID: 0x9100, VID: 5}, {TPID: vlan.CTag, VID: 6}}},
	} {
		t.Run(name, func(t *testing.T) {
			run, tags := fanoutVM(t, a), 4*len(a.inBand())
			for _, v6 := range []bool{false, true} {
				var byFlow, bySession [ports]int
				for i := range uint16(64) {
					for _, proto := range []byte{6, 17} {
						out := run(sessionFrame(tags, 0, 7, protocols[v6], packetOf(v6, false, proto, i)))
						in := run(sessionFrame(tags, 0, 7, protocols[v6], packetOf(v6, true, proto, i)))
						if out != in {
							t.Errorf("IPv6 %v: flow %d has number %d one way, and %d the other", v6, i, out, in)
						}
						byFlow[out%ports]++
					}
					bySession[run(sessionFrame(tags, 0, i+1, protocols[v6], packetOf(v6, false, 6, 0)))%ports]++
				}
				for i := range ports {
					if byFlow[i] < 16 || bySession[i] < 8 {
						t.Errorf("IPv6 %v: port %d gets %d of 128 flows, and %d of 64 sessions", v6, i, byFlow[i], bySession[i])
					}
				}
				whole := sessionFrame(tags, 0, 7, protocols[v6], packetOf(v6, false, 17, 3))
				for n := range tags + 8 + 20 {
					if got := run(whole[:n]); got != 0 {
						t.Errorf("the first %d octets of a frame get number %d", n, got)
					}
				}
				whole[tags+1] = 0xa7
				if got := run(whole); got != 0 {
					t.Errorf("a PADT gets number %d", got)
				}
			}
			for _, protocol := range []uint16{0xc021, 0xc023, 0xc223, 0x8021, 0x8057, 0xfd} {
				if got := run(sessionFrame(tags, 0, 7, protocol, packetOf(false, false, 6, 3))); got != 0 {
					t.Errorf("a frame of protocol %#x gets number %d", protocol, got)
				}
			}
		})
	}
}

// TestFanoutProgramWithoutPorts: all fragments between two stations have one hash, which is that of
// other packets without ports.
func TestFanoutProgramWithoutPorts(t *testing.T) {
	run := fanoutVM(t, Attachment{})
	number := func(p []byte) int { return run(sessionFrame(0, 0, 7, protocols[p[0]>>4 == 6], p)) }
	want := number(packetOf(false, false, 1, 0))
	for flow := range uint16(8) {
		for _, fragment := range []uint16{0x2000, 0x20b9, 0x00b9} {
			p := packetOf(false, flow%2 == 1, 17, flow)
			binary.BigEndian.PutUint16(p[6:], fragment)
			if got := number(p); got != want {
				t.Errorf("fragment %#x of flow %d gets number %d, want %d", fragment, flow, got, want)
			}
		}
		unfragmented := packetOf(false, false, 17, flow)
		binary.BigEndian.PutUint16(unfragmented[6:], 0x4000)
		if got := number(unfragmented); got != number(packetOf(false, false, 17, flow)) {
			t.Errorf("flow %d gets another number if its packets must not be fragmented", flow)
		}
	}
	const fragmentHeader = 44
	want = number(packetOf(true, false, 58, 0))
	for flow := range uint16(8) {
		if got := number(packetOf(true, false, fragmentHeader, flow)); got != want {
			t.Errorf("an IPv6 fragment gets number %d, want %d", got, want)
		}
	}
}

// TestFanoutProgramOptions: the ports are found after IPv4 options.
func TestFanoutProgramOptions(t *testing.T) {
	run := fanoutVM(t, Attachment{})
	plain := packetOf(false, false, 17, 5)
	options := append(bytes.Clone(plain[:20]), 1, 1, 1, 1)
	options[0] = 0x46
	options = append(options, plain[20:]...)
	if a, b := run(sessionFrame(0, 0, 7, 0x21, plain)), run(sessionFrame(0, 0, 7, 0x21, options)); a != b {
		t.Errorf("a flow gets number %d, and with options %d", a, b)
	}
}
