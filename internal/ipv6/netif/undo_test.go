package netif

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"upppoe/internal/ipv6/lifetime"
)

// TestRecover: the next program removes what a crash has left outside the device, and keeps what is
// not ours.
func TestRecover(t *testing.T) {
	inNamespace(t, func(k *Kernel) {
		path := filepath.Join(t.TempDir(), "eth0.0.ipv6")
		remember := func(k *Kernel) {
			t.Helper()
			if err := k.Recover(now, path, "ppp0"); err != nil {
				t.Fatal(err)
			}
		}
		before := ip(t, "-6", "route", "show", "table", "all", "proto", "ra") + ip(t, "-6", "rule") + addresses(t, "lan0")
		remember(k)
		want := NewConfig()
		want.Addresses[AddressKey{"ppp0", pfx("2001:db8::2/64")}] = Address{Lifetime: lifetime.New(now, 100*time.Second, 200*time.Second)}
		apply(t, k, want)
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("what goes with the device is remembered: %v", err)
		}
		own := AddressKey{"lan0", pfx("2001:db8:1::1/64")}
		want.Addresses[own] = Address{Lifetime: lifetime.New(now, 100*time.Second, 200*time.Second), Shared: true}
		want.Routes[RouteKey{To: pfx("2001:db8:1::/64"), Metric: 256, Device: "lan0"}] = Route{}
		want.Routes[RouteKey{To: pfx("2001:db8:1::/56"), Metric: 1 << 30, Table: 100}] = Route{}
		want.Rules[Rule{pfx("2001:db8:1::/56"), 100}] = true
		apply(t, k, want)
		ip(t, "address", "del", "2001:db8::2/64", "dev", "ppp0") // removed with the device

		// The program is killed here, and started again.
		next, err := Open()
		if err != nil {
			t.Fatal(err)
		}
		defer next.Close()
		remember(next)
		after := ip(t, "-6", "route", "show", "table", "all", "proto", "ra") + ip(t, "-6", "rule") + addresses(t, "lan0")
		if after != before {
			t.Errorf("left behind:\n%s\nwant\n%s", after, before)
		}
		apply(t, next, want)
		wantShown(t, "inet6 2001:db8:1::1/64", "address", "show", "lan0")
		apply(t, next, NewConfig())
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

// addresses returns the addresses of an interface except link-local ones, which appear at any time.
func addresses(t *testing.T, device string) string {
	t.Helper()
	return ip(t, "-6", "address", "show", "dev", device, "scope", "global")
}
