package assign

import (
	"reflect"
	"testing"
	"time"

	"upppoe/internal/ipv6/dhcp6"
)

// FuzzParseKept: what is parsed is the same when it is encoded and parsed again, and no bad input is parsed.
func FuzzParseKept(f *testing.F) {
	lease := dhcp6.Binding{Bound: true, Client: dhcp6.DUID{0, 3, 0, 1, 2}, IAID: [4]byte{3: 7}}
	lease.Valid = time.Unix(1_800_000_000, 5)
	f.Add(Kept{}.AppendTo(nil))
	f.Add(Kept{State{Network: pfx("2001:db8:1::/64"), Address: pfx("2001:db8:2::1/128"), Delegated: pfx("2001:db8:100::/56")}, lease, dhcp6.Binding{}}.AppendTo(nil))
	f.Add(Kept{State{Delegated: pfx("2001:db8:100::/56")}, dhcp6.Binding{}, lease}.AppendTo(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := ParseKept(b)
		if err != nil {
			return
		}
		if again, err := ParseKept(k.AppendTo(nil)); err != nil || !reflect.DeepEqual(again, k) {
			t.Errorf("%+v is %+v, %v", k, again, err)
		}
		for _, p := range k.State.Prefixes() {
			if !p.IsValid() || !p.Addr().Is6() || p != p.Masked() {
				t.Errorf("%v is no prefix", p)
			}
		}
	})
}
