package ebpf

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"upppoe/internal/roottest"
	"upppoe/pppoe/vlan"
)

var tag7, tag8 = vlan.Tag{TPID: vlan.CTag, VID: 7}, vlan.Tag{TPID: vlan.STag, VID: 8}

// TestShared: sessions on two Ethernet interfaces, in VLANs or without, share a device; the kernel
// carries both families, to and from the host and between clients.
func TestShared(t *testing.T) {
	for name, c := range map[string]struct {
		tags    [2]vlan.Stack
		prepare []func(*station, *Config)
	}{
		"TC":        {},
		"VLAN, XDP": {[2]vlan.Stack{{tag7}, {tag8, tag7}}, []func(*station, *Config){withExclusive}},
		"QinQ":      {[2]vlan.Stack{{tag8, tag7}, {}}, nil},
		"no TCX":    {prepare: []func(*station, *Config){withoutTCX}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, hubConfig{tags: c.tags}, c.prepare...)
			a, b := h.clients[0], h.clients[1]
			for _, family := range []netip.Addr{h.ipv4, h.ipv6} {
				for i, client := range h.clients {
					before := h.counted(i)
					exchange(t, client, h.sessionEnd, partner(h.sessionEnd, family), 4<<20)
					exchange(t, h.sessionEnd, client, partner(client, family), 4<<20)
					got := difference(h.counted(i), before)
					if got.ReceivedBytes < 4<<20 || got.SentBytes < 3<<20 || got.Dropped > 0 {
						t.Errorf("client %d, %v: the kernel has carried %+v", i, family, got)
					}
				}
				exchange(t, a, b, partner(b, family), 2<<20)
				exchange(t, b, a, partner(a, family), 2<<20)
			}
			h.engine.mu.Lock()
			defer h.engine.mu.Unlock()
			if n := len(h.engine.devices); n != 1 {
				t.Errorf("%d devices", n)
			}
		})
	}
}

// TestSharedPrefixes: a packet passes from every prefix of its session and from no other; the
// longest prefix decides, also for packets to the peer.
func TestSharedPrefixes(t *testing.T) {
	for name, prepare := range map[string][]func(*station, *Config){"TC": nil, "XDP": {withExclusive}} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, hubConfig{}, prepare...)
			a, b := h.clients[0], h.clients[1]
			// Within a prefix of the first client the second has a longer one.
			check(t, h.open[1].SetPrefixes(append(prefixesOf(2), prefixes("10.1.1.64/26", "fd01:0:0:1:8000::/65")...)))
			for _, own := range []string{"10.1.1.1", "10.1.1.65", "10.1.2.9", "10.0.2.1", "fd01:0:0:1::9", "fd01:0:0:1:8000::9", "fd00::2:1"} {
				for _, c := range h.clients {
					sh(t, c.ns, "ip", "address", "add", own, "dev", "lo")
				}
			}
			for _, c := range []struct {
				from   string
				passes [2]bool // for each client
			}{
				{"10.0.1.1", [2]bool{true, false}}, {"10.1.1.1", [2]bool{true, false}}, {"10.1.1.65", [2]bool{false, true}},
				{"10.1.2.9", [2]bool{false, true}}, {"10.0.2.1", [2]bool{false, true}},
				{"fd00::1:1", [2]bool{true, false}}, {"fd01:0:0:1::9", [2]bool{true, false}}, {"fd01:0:0:1:8000::9", [2]bool{false, true}},
			} {
				for i, client := range []*sessionEnd{a, b} {
					if from := netip.MustParseAddr(c.from); from == client.ipv4 || from == client.ipv6 || !isClientAddress(from) {
						h.pingFrom(t, i, c.from, c.passes[i])
					}
				}
			}
		})
	}
}

// isClientAddress reports whether an address is that of a client's own device.
func isClientAddress(a netip.Addr) bool {
	return netip.MustParsePrefix("10.0.0.0/16").Contains(a) || netip.MustParsePrefix("fd00::/96").Contains(a)
}

// pingFrom sends an echo request to the hub from an address of a client, which is answered, or
// dropped and counted as spoofed.
func (h *hub) pingFrom(t *testing.T, i int, from string, passes bool) {
	t.Helper()
	to := h.ipv4
	if strings.Contains(from, ":") {
		to = h.ipv6
	}
	wait := "1"
	if passes {
		wait = "10"
	}
	before := h.counted(i)
	out, err := h.clients[i].ns.Run("ping", "-c1", "-W"+wait, "-I", from, to.String())
	if got := err == nil; got != passes {
		t.Errorf("client %d, from %s: answered %v, want %v: %s", i, from, got, passes, out)
	}
	got := difference(h.counted(i), before)
	if passes && (got.ReceivedPackets != 1 || got.SentPackets != 1 || got.Dropped != 0) || !passes && (got.Spoofed != 1 || got.Dropped != 1 || got.ReceivedPackets != 0) {
		t.Errorf("client %d, from %s: counted %+v", i, from, got)
	}
}

// TestSharedIsolated: packets from one client to another are dropped and counted; those to the hub
// pass.
func TestSharedIsolated(t *testing.T) {
	h := newHub(t, hubConfig{isolate: true})
	a, b := h.clients[0], h.clients[1]
	for _, to := range []netip.Addr{b.ipv4, b.ipv6} {
		before := h.counted(0)
		if _, err := a.ns.Ping(to, 1, 10*time.Millisecond); err == nil {
			t.Errorf("%v answers", to)
		}
		if got := difference(h.counted(0), before); got.Isolated != 1 || got.Dropped != 1 || got.ReceivedPackets != 0 {
			t.Errorf("to %v: counted %+v", to, got)
		}
		if _, err := a.ns.Ping(partner(h.sessionEnd, to), 2, time.Second); err != nil {
			t.Error(err)
		}
	}
}

// TestSharedTooBig: packets longer than the session's MTU, and those to addresses of no session, are
// left to user space, which answers.
func TestSharedTooBig(t *testing.T) {
	roottest.Need(t, "ping")
	h := newHub(t, hubConfig{})
	for _, to := range []netip.Addr{h.clients[0].ipv4, h.clients[0].ipv6} {
		headers := 28
		if to.Is6() {
			headers = 48
		}
		before := h.counted(0)
		for _, size := range []int{hubMTU, 1300} {
			if out, err := pingOnce(h.sessionEnd, to, size-headers); err != nil {
				t.Errorf("%d octets to %v: %v: %s", size, to, err, out)
			}
		}
		if got := difference(h.counted(0), before); got.SentPackets != 2 {
			t.Errorf("to %v, the kernel has sent %+v", to, got)
		}
		if out, err := pingOnce(h.sessionEnd, to, hubMTU+1-headers); err == nil || !strings.Contains(out, "mtu="+strconv.Itoa(hubMTU)) && !strings.Contains(out, "mtu: "+strconv.Itoa(hubMTU)) && !strings.Contains(out, "mtu = "+strconv.Itoa(hubMTU)) {
			t.Errorf("%d octets to %v: %v: %s", hubMTU+1, to, err, out)
		}
	}
	for _, nobody := range []string{"10.0.77.1", "fd00::77:1"} {
		if out, err := h.ns.Run("ping", "-c1", "-W2", nobody); err == nil || !strings.Contains(out, "nreachable") {
			t.Errorf("to %s: %v: %s", nobody, err, out)
		}
	}
	if c := h.shared.Counters(); c.TooBig != 2 || c.Unreachable < 2 {
		t.Errorf("user space has counted %+v", c)
	}
}
