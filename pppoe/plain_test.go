package pppoe

import (
	"encoding/binary"
	"net"
	"testing"

	"upppoe/tun"
)

// still is a device and a port that take everything and give nothing.
type still struct{ taken int }

var (
	_ tun.Device = (*still)(nil)
	_ Port       = (*still)(nil)
)

func (s *still) Name() string                            { return "ppp0" }
func (s *still) Read([][]byte, []int, int) (int, error)  { return 0, net.ErrClosed }
func (s *still) Write(p [][]byte, _ int) (int, error)    { s.taken += len(p); return len(p), nil }
func (s *still) BatchSize() int                          { return 1 }
func (s *still) Close() error                            { return nil }
func (s *still) ReadBatch([]Frame) (int, error)          { return 0, net.ErrClosed }
func (s *still) WriteBatch(frames [][]byte) (int, error) { return len(frames), nil }
func (s *still) Addr() Addr                              { return acAddr }
func (s *still) MTU() int                                { return 1500 }

// carrying is a path with one open flow.
func carrying(t testing.TB) (*plainPath, *still, *flow) {
	t.Helper()
	device := &still{}
	p := newPlainPath([]Port{device}, func([]byte) {}, func(uint16) {})
	if err := p.Add(Tunnel{SessionID: 0x1234, Local: acAddr, Peer: hostAddr, Device: device}); err != nil {
		t.Fatal(err)
	}
	p.Allow(0x1234, true, false)
	return p, device, p.flows.get(0x1234)
}

func sessionFrame(src Addr, id uint16, protocol uint16, payload []byte, padding int) *Frame {
	ppp := append(binary.BigEndian.AppendUint16(nil, protocol), payload...)
	return &Frame{Data: append(AppendSessionFrame(nil, acAddr, src, id, ppp), make([]byte, padding)...)}
}

// withLength is a frame that says another LENGTH (RFC 2516 section 4).
func withLength(f *Frame, n uint16) *Frame {
	binary.BigEndian.PutUint16(f.Data[18:], n)
	return f
}

func TestDeliver(t *testing.T) {
	for _, c := range []struct {
		what  string
		frame *Frame
		ours  bool
	}{
		{"IPv4 of an open session", sessionFrame(hostAddr, 0x1234, 0x21, make([]byte, 20), 0), true},
		{"with padding", sessionFrame(hostAddr, 0x1234, 0x21, make([]byte, 20), 18), true},
		{"IPv6, which is not open", sessionFrame(hostAddr, 0x1234, 0x57, make([]byte, 40), 0), false},
		{"LCP", sessionFrame(hostAddr, 0x1234, 0xc021, make([]byte, 8), 0), false},
		{"another session", sessionFrame(hostAddr, 0x1235, 0x21, make([]byte, 20), 0), false},
		{"another station", sessionFrame(acAddr, 0x1234, 0x21, make([]byte, 20), 0), false},
		{"LENGTH beyond the frame", &Frame{Data: sessionFrame(hostAddr, 0x1234, 0x21, make([]byte, 20), 0).Data[:41]}, false},
		{"LENGTH without all of the Protocol field, and padding", withLength(sessionFrame(hostAddr, 0x1234, 0x21, make([]byte, 20), 0), 1), false},
		{"LENGTH of nothing, and padding", withLength(sessionFrame(hostAddr, 0x1234, 0x21, make([]byte, 20), 0), 0), false},
		{"no PPP header", &Frame{Data: sessionFrame(hostAddr, 0x1234, 0x21, nil, 0).Data[:21]}, false},
	} {
		p, device, f := carrying(t)
		got := p.deliver(c.frame, make([][]byte, 1), 0)
		if got != c.ours || (device.taken == 1) != c.ours {
			t.Errorf("%s: taken by the data path: %v, by the device: %d; want %v", c.what, got, device.taken, c.ours)
		}
		if n := f.meter.read().ReceivedBytes; c.ours && n != 20 {
			t.Errorf("%s: counted as %d octets, want 20", c.what, n)
		}
	}
}

func TestEncapsulate(t *testing.T) {
	_, _, f := carrying(t)
	buf := make([]byte, Headers+1500)
	f.putHeader(buf)
	buf[Headers] = 0x45
	frame := f.encapsulate(buf, 84, 0)
	id, packet, err := ParseSession(frame[14:])
	if err != nil || id != 0x1234 || len(packet) != 86 || packet[1] != 0x21 || Addr(frame) != hostAddr || Addr(frame[6:12]) != acAddr {
		t.Errorf("a packet goes out as % x: %v", frame[:Headers], err)
	}
	buf[Headers] = 0x60
	if f.encapsulate(buf, 84, 0) != nil {
		t.Error("IPv6 goes out though it is not open")
	}
}

// TestNoAllocation: a data packet costs none, either way.
func TestNoAllocation(t *testing.T) {
	p, _, f := carrying(t)
	in, packet := sessionFrame(hostAddr, 0x1234, 0x21, make([]byte, 1400), 0), make([][]byte, 1)
	if n := testing.AllocsPerRun(100, func() { p.deliver(in, packet, 0) }); n != 0 {
		t.Errorf("receiving a packet allocates %v times", n)
	}
	buf := make([]byte, Headers+1500)
	buf[Headers] = 0x45
	if n := testing.AllocsPerRun(100, func() { f.encapsulate(buf, 1400, 0) }); n != 0 {
		t.Errorf("sending a packet allocates %v times", n)
	}
}

// data4 is a TCP segment full of data, over IPv4.
func data4() []byte {
	b := make([]byte, 1400)
	b[0], b[9], b[20+13] = 0x45, 6, 0x10
	return b
}

func BenchmarkDeliver(b *testing.B) {
	p, _, _ := carrying(b)
	in, packet := sessionFrame(hostAddr, 0x1234, 0x21, data4(), 0), make([][]byte, 1)
	b.ReportAllocs()
	for b.Loop() {
		p.deliver(in, packet, 0)
	}
}

func BenchmarkEncapsulate(b *testing.B) {
	_, _, f := carrying(b)
	buf := make([]byte, Headers+1500)
	copy(buf[Headers:], data4())
	b.ReportAllocs()
	for b.Loop() {
		f.encapsulate(buf, 1400, 0)
	}
}
