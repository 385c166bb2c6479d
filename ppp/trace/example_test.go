package trace_test

import (
	"fmt"
	"os"

	"github.com/gopacket/gopacket/pcapgo"

	"upppoe/ppp/trace"
	"upppoe/pppoe/wire"
)

// The first PPP packets of a capture in pppd's words: a client authenticates itself by PAP.
func ExampleAppendFrame() {
	file, err := os.Open("../../test/golden/testdata/pap.pcap")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	capture, err := pcapgo.NewReader(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	const etherHeader = 14
	for printed := 0; printed < 9; {
		packet, _, err := capture.ReadPacketData()
		if err != nil {
			fmt.Println(err)
			return
		}
		_, frame, err := wire.ParseSession(packet[etherHeader:])
		if err != nil {
			continue // a discovery packet, or one of another protocol
		}
		printed++
		fmt.Printf("%s\n", trace.AppendFrame(nil, frame, trace.Options{}))
	}
	// Output:
	// [LCP ConfReq id=0x1 <mru 1492> <magic 0x63c5cf64>]
	// [LCP ConfReq id=0x1 <mru 1492> <auth pap> <magic 0xbc5b3011>]
	// [LCP ConfAck id=0x1 <mru 1492> <auth pap> <magic 0xbc5b3011>]
	// [LCP ConfReq id=0x1 <mru 1492> <magic 0x63c5cf64>]
	// [LCP ConfAck id=0x1 <mru 1492> <magic 0x63c5cf64>]
	// [LCP EchoReq id=0x0 magic=0xbc5b3011]
	// [PAP AuthReq id=0x1 user="testuser" password=<hidden>]
	// [LCP EchoRep id=0x0 magic=0x63c5cf64]
	// [PAP AuthAck id=0x1 "Login ok"]
}
