package ipv6_test

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"

	"upppoe/internal/ipv6"
	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/shared"
	"upppoe/internal/roottest"
	"upppoe/ppp/ipv6cp"
)

// serveShared serves the client's device as a session of package shared.
func serveShared(t *testing.T, client *peerSide) *program[assign.State] {
	t.Helper()
	p := &program[assign.State]{t: t}
	s, err := shared.New(shared.Config[string]{
		Config: serverConfig(t).Config, Log: slog.New(slog.DiscardHandler),
		Send:     func(_ string, packet []byte) { client.device.Write([][]byte{packet}, 0) },
		Assigned: func(_ string, state, _ assign.State) { p.notify(state) },
	})
	check(t, err)
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	t.Cleanup(func() { end(); <-done })
	check(t, s.Up("session", shared.Link{Local: ipv6cp.ID{7: 1}, Remote: ipv6cp.ID{7: 2}, MTU: 1400, Subscriber: "alice"}))
	go func() {
		buf, sizes := [][]byte{make([]byte, 2000)}, make([]int, 1)
		for {
			if _, err := client.device.Read(buf, sizes, 0); err != nil {
				return
			}
			if packet := buf[0][:sizes[0]]; shared.IsLinkScope(packet) {
				s.Receive("session", packet)
			}
		}
	}()
	return p
}

// TestSharedServesClient: the client has from package shared what it has from a server with a device
// for the session, and its kernel accepts the answers to its echo requests.
func TestSharedServesClient(t *testing.T) {
	roottest.Need(t)
	client := newSide(t, "fe80::2", "fe80::1")
	s := serveShared(t, client)
	cfg := clientConfig()
	cfg.LANs = nil
	c := client.dial(cfg)
	got := c.await("address and prefix", func(s ipv6.State) bool { return len(s.Addresses) == 2 && len(s.Delegated) == 1 })
	if got.MTU != 1400 || len(got.NameServers) != 1 || !got.Managed || got.DefaultRoute.Gateway != netip.MustParseAddr("fe80::1") {
		t.Errorf("the client reports %+v", got)
	}
	if a := client.addressText("ppp0"); a != "2001:db8:1::2/64 2001:db8:2::1/128" {
		t.Errorf("ppp0 has %s", a)
	}
	client.wantRoutes("::/0 via fe80::1 ppp0, unreachable 2001:db8:100::/56")
	_, err := client.Ping(netip.MustParseAddr("fe80::1%ppp0"), 1, timeout)
	check(t, err)
	c.stop(nil)
	s.await("release", func(s assign.State) bool {
		return s.Network.IsValid() && !s.Address.IsValid() && !s.Delegated.IsValid()
	})
}

// TestSharedServesKernel: the kernel's own router discovery accepts the advertisements.
func TestSharedServesKernel(t *testing.T) {
	roottest.Need(t)
	client := newSide(t, "fe80::2", "fe80::1")
	check(t, client.Do(func() error { return os.WriteFile("/proc/sys/net/ipv6/conf/ppp0/accept_ra", []byte("2"), 0) }))
	serveShared(t, client)
	eventually(t, "ppp0 wants an address", func() (bool, string) {
		got := client.addressText("ppp0")
		return strings.HasPrefix(got, "2001:db8:1:") && strings.HasSuffix(got, "/64"), got
	})
	client.wantRoutes("::/0 via fe80::1 ppp0")
}
