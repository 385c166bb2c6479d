package netconfig

import (
	"os"
	"strings"
	"testing"

	"upppoe/internal/roottest"
)

// TestProxyARP: the machine answers ARP for the peer on the Ethernet whose subnet contains its
// address, until the session ends.
func TestProxyARP(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		wan(t)
		ip(t, "address", "add", "192.0.2.200/24", "dev", "eth0")
		ip(t, "link", "add", "wide0", "type", "veth", "peer", "name", "wide1")
		ip(t, "address", "add", "192.0.0.1/16", "dev", "wide0")
		ip(t, "link", "set", "wide0", "up")
		log, output := newLog()
		down := up(t, &Configurer{ProxyARP: true, KernelTune: true, Log: log})
		if got := strings.TrimSpace(ip(t, "neighbour", "show", "proxy")); got != "192.0.2.1 dev eth0 proxy" {
			t.Errorf("proxied is %q", got)
		}
		if now, err := os.ReadFile(ipForwardPath); string(now) != "1\n" {
			t.Errorf("forwarding is %q, %v", now, err)
		}
		if !strings.Contains(output.String(), "found interface eth0 for proxy arp") {
			t.Errorf("the log says %s", output)
		}
		down()
		if got := ip(t, "neighbour", "show", "proxy"); got != "" {
			t.Errorf("left behind: %s", got)
		}
	})
}

// TestProxyARPExistingEntry: an entry that existed before stays.
func TestProxyARPExistingEntry(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		wan(t)
		ip(t, "address", "add", "192.0.2.200/24", "dev", "eth0")
		ip(t, "neighbour", "add", "proxy", "192.0.2.1", "dev", "eth0")
		before, forwards := ip(t, "neighbour", "show", "proxy"), "0\n"
		up(t, &Configurer{ProxyARP: true, Log: discard()})()
		if got := ip(t, "neighbour", "show", "proxy"); got != before {
			t.Errorf("proxied is %q, and was %q", got, before)
		}
		if now, err := os.ReadFile(ipForwardPath); string(now) != forwards {
			t.Errorf("forwarding is %q without being asked for, %v", now, err)
		}
	})
}

// TestProxyARPNoSubnet: without a suitable interface the session comes up all the same.
func TestProxyARPNoSubnet(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		log, output := newLog()
		dial(t, &Configurer{ProxyARP: true, Log: log})
		if !strings.Contains(output.String(), "proxyarp for 192.0.2.1: cannot determine ethernet address for proxy ARP") {
			t.Errorf("the log says %s", output)
		}
	})
}
