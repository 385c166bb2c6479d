package life

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"

	"upppoe/internal/mgmt/status"
	"upppoe/internal/roottest"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// clientDiscovery returns the PADI and PADR that a fake has received.
func (f *fakeAC) clientDiscovery(t testing.TB) (all []wire.DiscoveryFrame) {
	t.Helper()
	all = append(f.discoveryPackets(wire.PADI), f.discoveryPackets(wire.PADR)...)
	if len(all) < 2 {
		t.Fatalf("the concentrator got %v", all)
	}
	return all
}

// TestHostUniq: any value is sent unchanged, and is matched in the answer.
func TestHostUniq(t *testing.T) {
	for _, n := range []int{1, 4, 8, 17, 64, 128} {
		value := bytes.Repeat([]byte{0, 0xff, 'A'}, n)[:n]
		w := newTestbed(t)
		f := newFakeAC(t, w.server, "ac", fault{})
		w.dial(t, "host-uniq", hex.EncodeToString(value))
		w.awaitOnline(t)
		for _, p := range f.clientDiscovery(t) {
			if got, ok := p.Tags.Find(wire.TagHostUniq); !ok || !bytes.Equal(got, value) {
				t.Errorf("%v with %d octets of Host-Uniq bears % x", p.Code, n, got)
			}
		}
	}
}

// TestAccessLine: both packets identify the access line (TR-101).
func TestAccessLine(t *testing.T) {
	w := newTestbed(t)
	f := newFakeAC(t, w.server, "ac", fault{})
	w.dial(t, "pppoe-circuit-id", "dslam-1 atm 0/1:8.35", "pppoe-remote-id", "customer 7")
	w.awaitOnline(t)
	for _, p := range f.clientDiscovery(t) {
		want := wire.AccessLine{CircuitID: "dslam-1 atm 0/1:8.35", RemoteID: "customer 7"}
		if got := p.Tags.AccessLine(); got != want {
			t.Errorf("%v tells %+v, want %+v", p.Code, got, want)
		}
	}
}

// TestSourceMAC: all frames have the configured source address, and the session works.
func TestSourceMAC(t *testing.T) {
	const own = "02:00:5e:00:53:77"
	w := newTestbed(t)
	testWire := tap(t, w.server)
	w.serve(t)
	w.dial(t, "pppoe-source-mac", own)
	w.awaitOnline(t)
	_, err := w.client.Ping(ip("192.0.2.1"), 1, timeout)
	check(t, err)
	for _, f := range testWire.awaitPacket(t, 0) {
		if !isPPPoE(f, 0) {
			continue // the interface's own, such as IPv6
		}
		if got := wire.Addr(f[6:12]).String(); got != own {
			t.Errorf("a frame is from %s: % x", got, f[:32])
		}
	}
	if got := mac(t, w.client, "eth0"); got == own {
		t.Error("the interface itself was changed")
	}
}

// capture is the frames that arrive at a machine, with their tags.
type capture struct {
	mu  sync.Mutex
	all [][]byte
}

func (c *capture) frames() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}

// tap captures what arrives, before the kernel hooks that process packets of sessions.
func tap(t testing.TB, in *lab.Namespace) *capture {
	t.Helper()
	roottest.NeedPrograms(t, "tcpdump")
	cmd := exec.Command("tcpdump", "-i", "eth0", "-Q", "in", "-U", "-w", "-")
	out, err := cmd.StdoutPipe()
	check(t, err)
	words, err := cmd.StderrPipe()
	check(t, err)
	check(t, in.Start(cmd))
	scan := bufio.NewScanner(words)
	for scan.Scan() && !strings.Contains(scan.Text(), "listening on") {
	}
	c := &capture{}
	var ended sync.WaitGroup
	ended.Go(func() { io.Copy(io.Discard, words) })
	ended.Go(func() { c.read(out) })
	t.Cleanup(func() {
		cmd.Process.Kill()
		ended.Wait()
		cmd.Wait()
	})
	return c
}

// Header lengths of a pcap file and of a packet in it; the length of the packet is at offset 8.
const (
	pcapHeader   = 24
	packetHeader = 16
)

func (c *capture) read(pcap io.Reader) {
	head := make([]byte, pcapHeader)
	if _, err := io.ReadFull(pcap, head); err != nil {
		return
	}
	for {
		if _, err := io.ReadFull(pcap, head[:packetHeader]); err != nil {
			return
		}
		frame := make([]byte, binary.NativeEndian.Uint32(head[8:]))
		if _, err := io.ReadFull(pcap, frame); err != nil {
			return
		}
		c.mu.Lock()
		c.all = append(c.all, frame)
		c.mu.Unlock()
	}
}

// sessionHeader is the length of what precedes PPP's Protocol field: the Ethernet and PPPoE
// headers.
const sessionHeader = 14 + wire.HeaderLen

// isIPPacket reports whether a session frame with so many octets of tags carries an IP packet.
func isIPPacket(f []byte, tags int) bool {
	f = f[tags:]
	return binary.BigEndian.Uint16(f[12:]) == wire.EtherTypeSession && f[sessionHeader]&0x80 == 0
}

// awaitPacket waits for an IP packet of the session.
func (c *capture) awaitPacket(t testing.TB, tags int) [][]byte {
	t.Helper()
	await(t, "a packet was captured", func() bool {
		return slices.ContainsFunc(c.frames(), func(f []byte) bool { return isIPPacket(f, tags) })
	})
	return c.frames()
}

// TestPriority: control frames and packets have their own priorities, or none.
func TestPriority(t *testing.T) {
	for _, c := range []struct {
		options       string
		control, data uint16
	}{
		{"pppoe-pcp 6", 6, 0},
		{"pppoe-pcp 6 pppoe-data-pcp 2", 6, 2},
		{"", 0, 0},
	} {
		w := newTestbed(t)
		testWire := tap(t, w.server)
		w.serve(t, "--vlan", "50")
		w.dial(t, append([]string{"vlan", "50"}, strings.Fields(c.options)...)...)
		w.awaitOnline(t)
		_, err := w.client.Ping(ip("192.0.2.1"), 1, timeout)
		check(t, err)
		seen := map[bool]int{}
		for _, f := range testWire.awaitPacket(t, tagLen) {
			if !isPPPoE(f, tagLen) {
				continue
			}
			if tpid, vid := binary.BigEndian.Uint16(f[12:]), binary.BigEndian.Uint16(f[14:])&0xfff; tpid != 0x8100 || vid != 50 {
				t.Errorf("%s: a frame with another tag: % x", c.options, f[:24])
			}
			priority := binary.BigEndian.Uint16(f[14:]) >> 13
			data := isIPPacket(f, tagLen)
			seen[data]++
			if want := map[bool]uint16{true: c.data, false: c.control}[data]; priority != want {
				t.Errorf("%q: a frame (packet of IP: %v) has priority %d, want %d", c.options, data, priority, want)
			}
		}
		if seen[true] == 0 || seen[false] < 5 {
			t.Errorf("%q: seen were %v", c.options, seen)
		}
	}
}

// tagLen is the length of a VLAN tag, in octets.
const tagLen = 4

func isPPPoE(f []byte, tags int) bool {
	etherType := binary.BigEndian.Uint16(f[12+tags:])
	return etherType == wire.EtherTypeDiscovery || etherType == wire.EtherTypeSession
}

// TestMaxPayload: an MTU of 1500 where both Ethernets carry 1508, ours raised for it and restored
// at the end.
func TestMaxPayload(t *testing.T) {
	w := newTestbed(t)
	setMTU(t, w.server, "eth0", 1508)
	w.serverOptions(t, "require-chap\nmtu 1500\nmru 1500\n")
	w.serve(t)
	p := w.dial(t, "mtu", "1500", "mru", "1500")
	w.awaitStatus(t, "the client is online with 1500", func(s status.Status) bool { return isOnline(s) && s.MTU == 1500 })
	for name, want := range map[string]int{"eth0": 1508, "ppp0": 1500} {
		if got, err := w.client.MTU(name); err != nil || got != want {
			t.Errorf("%s has MTU %d, want %d: %v", name, got, want, err)
		}
	}
	_, err := w.client.Ping(ip("192.0.2.1"), 1, timeout) // the server is ready
	check(t, err)
	out, err := w.client.Run("ping", "-c", "2", "-i", "0.2", "-M", "do", "-s", fmt.Sprint(1500-28), "192.0.2.1")
	if err != nil {
		t.Errorf("packets of 1500 octets: %v\n%s", err, out)
	}
	p.Stop()
	if got, err := w.client.MTU("eth0"); err != nil || got != 1500 {
		t.Errorf("in the end, eth0 has MTU %d: %v", got, err)
	}
}

// TestMaxPayloadTag is sent in both packets; with a concentrator that does not support it, the MTU
// is 1492.
func TestMaxPayloadTag(t *testing.T) {
	w := newTestbed(t)
	f := newFakeAC(t, w.server, "ac", fault{})
	w.dial(t, "mtu", "1500", "mru", "1500")
	if s := w.awaitOnline(t); s.MTU != 1492 {
		t.Errorf("the client is %+v", s)
	}
	for _, p := range f.clientDiscovery(t) {
		if got := p.Tags.MaxPayload(); got != 1500 {
			t.Errorf("%v asks for %d", p.Code, got)
		}
	}
}

// TestMaxPayloadUnsupported: an Ethernet that cannot carry it is logged, and the MTU is 1492.
func TestMaxPayloadUnsupported(t *testing.T) {
	w := newTestbed(t)
	f := newFakeAC(t, w.server, "ac", fault{})
	// The device's parent is in another namespace, and so out of reach.
	host := labtest.Namespace(t)
	check(t, lab.Veth(lab.End{In: host, Name: "eth0"}, lab.End{In: labtest.Namespace(t), Name: "eth0"}))
	if out, err := host.Run("ip", "link", "add", "link", "eth0", "name", "narrow", "type", "macvlan", "mode", "bridge"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	check(t, host.MoveInterface("narrow", w.client))
	p := w.start(t, "pppoe-client", append([]string{"narrow", "nodetach", "mtu", "1500", "mru", "1500", "pppoe-padi-timeout", "1", "pppoe-padi-attempts", "1"}, account...)...)
	wantExit(t, p, 8)
	if !strings.Contains(p.Log(), "narrow (macvlan, MTU 1500) does not support MTU 1508") {
		t.Errorf("it says:\n%s", p.Log())
	}
	if n := len(f.discoveryPackets(wire.PADI)); n != 0 {
		t.Errorf("%d packets went the wrong way", n)
	}
}

func setMTU(t testing.TB, in *lab.Namespace, name string, mtu int) {
	t.Helper()
	check(t, in.Do(func() error {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		return netlink.LinkSetMTU(link, mtu)
	}))
}
