package wire

import "testing"

// echoRequest is an LCP packet, and echoFrame its frame.
var (
	echoRequest = []byte{0xc0, 0x21, 9, 1, 0, 8, 1, 2, 3, 4}
	echoFrame   = AppendSessionFrame(nil, acAddr, hostAddr, 0x1234, echoRequest)
)

// TestFrameNoAllocation: encoding and parsing a session frame does not allocate.
func TestFrameNoAllocation(t *testing.T) {
	buf := make([]byte, 0, 1514)
	if n := testing.AllocsPerRun(100, func() { AppendSessionFrame(buf, acAddr, hostAddr, 0x1234, echoRequest) }); n != 0 {
		t.Errorf("writing a frame allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		if id, _, err := ParseSession(echoFrame[14:]); id != 0x1234 || err != nil {
			t.Fatal(id, err)
		}
	}); n != 0 {
		t.Errorf("reading a frame allocates %v times", n)
	}
}

func BenchmarkEncodeFrame(b *testing.B) {
	buf := make([]byte, 0, 1514)
	b.ReportAllocs()
	for b.Loop() {
		AppendSessionFrame(buf, acAddr, hostAddr, 0x1234, echoRequest)
	}
}

func BenchmarkDecodeFrame(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ParseSession(echoFrame[14:])
	}
}

func BenchmarkDecodeDiscovery(b *testing.B) {
	padr := DiscoveryFrame{Dst: acAddr, Src: hostAddr, Discovery: Discovery{PADR, 0, Tags(nil).Append(TagServiceName, nil).Append(TagACCookie, make([]byte, 20))}}.AppendTo(nil)
	b.ReportAllocs()
	for b.Loop() {
		ParseDiscovery(padr[14:])
	}
}
