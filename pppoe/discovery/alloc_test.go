package discovery

import (
	"testing"
	"time"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// TestFloodAllocatesNothing: neither PADIs nor PADRs with a forged cookie cost garbage.
func TestFloodAllocatesNothing(t *testing.T) {
	c := NewConcentrator(acAddr, ConcentratorConfig{ACName: "isp", Services: []string{"gold", "silver"}})
	tags := wire.Tags(nil).Append(wire.TagServiceName, []byte("gold")).Append(wire.TagHostUniq, []byte("12345678"))
	padi := wire.DiscoveryFrame{Dst: wire.Broadcast, Src: hostAddr, VLAN: vlan.Stack{{TPID: vlan.CTag, VID: 7}}, Discovery: wire.Discovery{Code: wire.PADI, Tags: tags}}
	padr := padi
	padr.Dst, padr.Code, padr.Tags = acAddr, wire.PADR, tags.Append(wire.TagACCookie, make([]byte, cookieLen))
	at := time.Unix(0, 0)
	for _, f := range []wire.DiscoveryFrame{padi, padr} {
		b := f.AppendTo(nil)
		var q wire.Queue
		var out []byte
		if n := testing.AllocsPerRun(100, func() {
			got, err := wire.ParseDiscoveryInPlace(b)
			if err != nil {
				t.Fatal(err)
			}
			if got.Code == wire.PADI {
				err = c.ReceivePADI(at, got, &q)
			} else if _, err = c.ReceivePADR(at, got, &q); err == ErrCookie {
				err = nil
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range q.All() {
				out = f.AppendInPlace(out[:0])
			}
			q.Reset()
		}); n != 0 {
			t.Errorf("%v: %v allocations", f.Code, n)
		}
	}
}
