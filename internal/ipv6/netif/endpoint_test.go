package netif

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// TestEndpoint: after Close the port is free and the receiving goroutines have ended. A port in use
// and a nonexistent device are errors.
func TestEndpoint(t *testing.T) {
	inNamespace(t, func(*Kernel) {
		if _, err := OpenEndpoint("none"); err == nil || !strings.HasPrefix(err.Error(), "none: ") {
			t.Errorf("without a device: %v", err)
		}
		for range 2 {
			e, err := OpenEndpoint("ppp0")
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(e.OpenICMP(ipv6.ICMPTypeRouterAdvertisement), e.OpenUDP(546), e.Watch()); err != nil {
				t.Fatal(err)
			}
			second, err := OpenEndpoint("ppp0")
			if err != nil {
				t.Fatal(err)
			}
			if err := second.OpenUDP(546); !errors.Is(err, unix.EADDRINUSE) || second.UDP != nil || second.Datagrams != nil {
				t.Errorf("a second one on the same port: %v", err)
			}
			second.Close()
			ip(t, "link", "set", "ppp0", "down")
			ip(t, "link", "set", "ppp0", "up")
			soon(t, "a change", e.Changes)
			e.Close()
			for range 2 { // ICMP and UDP
				if err := soon(t, "a failure", e.Failures); !errors.Is(err, net.ErrClosed) {
					t.Errorf("a closed socket fails with %v", err)
				}
			}
		}
	})
}

// soon receives from a channel within a bounded time.
func soon[T any](t *testing.T, what string, c <-chan T) (x T) {
	t.Helper()
	select {
	case x = <-c:
	case <-time.After(10 * time.Second):
		t.Errorf("%s is not received", what)
	}
	return x
}
