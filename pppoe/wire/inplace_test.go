package wire

import (
	"bytes"
	"testing"

	"upppoe/pppoe/vlan"
)

// FuzzDiscoveryInPlace: parsing and encoding in place give what ParseDiscoveryFrame and AppendTo do.
func FuzzDiscoveryInPlace(f *testing.F) {
	packet := Discovery{PADI, 0, Tags(nil).Append(TagServiceName, nil)}
	for _, tags := range []vlan.Stack{{}, {{TPID: vlan.CTag, VID: 5}}, {{TPID: vlan.STag, VID: 5}, {TPID: vlan.CTag, VID: 6}}, {{TPID: vlan.CTag}}} {
		b := tags.Insert(DiscoveryFrame{Dst: Broadcast, Src: hostAddr, Discovery: packet}.AppendTo(nil), 3)
		f.Add(b)
		f.Add(b[:len(b)-1])
		f.Add(append(b, 0, 0, 0))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		want, wantErr := ParseDiscoveryFrame(b)
		got, err := ParseDiscoveryInPlace(b)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%v, want %v", err, wantErr)
		}
		if err != nil {
			return
		}
		if got.Dst != want.Dst || got.Src != want.Src || got.VLAN != want.VLAN || got.Code != want.Code || got.SessionID != want.SessionID || !bytes.Equal(got.Tags, want.Tags) {
			t.Errorf("%+v, want %+v", got, want)
		}
		if a, want := got.AppendInPlace(nil), want.AppendTo(nil); !bytes.Equal(a, want) {
			t.Errorf("encoded as % x, want % x", a, want)
		}
	})
}
