package shared

import (
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/ppp/ipv6cp"
)

var (
	discard    = slog.New(slog.DiscardHandler)
	start      = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	serverDUID = dhcp6.DUID{0, 3, 0, 1, 1}
	clientDUID = dhcp6.DUID{0, 3, 0, 1, 2}
	ours       = netip.MustParseAddr("fe80::1")
	peer       = netip.MustParseAddr("fe80::2")
	allNodes   = netip.MustParseAddr("ff02::1")
	allRouters = netip.MustParseAddr("ff02::2")
)

func pfx(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func newPool(t testing.TB, base string, bits int) *assign.Pool {
	t.Helper()
	p, err := assign.NewPool(pfx(base), bits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// pools have one prefix each, so that the result is predictable.
func pools(t testing.TB) assign.Config {
	return assign.Config{
		DUID: serverDUID, Networks: newPool(t, "2001:db8:1::/64", 64), Addresses: newPool(t, "2001:db8:2::/127", 128), Prefixes: newPool(t, "2001:db8:100::/56", 56),
		NameServers: []netip.Addr{netip.MustParseAddr("2001:db8::53")},
	}
}

// link is that of most tests: fe80::1 is ours, fe80::2 the peer's.
func link() Link {
	return Link{Local: ipv6cp.ID{7: 1}, Remote: ipv6cp.ID{7: 2}, MTU: 1492, Subscriber: "alice"}
}

// sent is a packet to a session's peer.
type sent struct {
	key    int
	packet []byte
}

// bench is a responder in virtual time, and what it has done.
type bench struct {
	t      testing.TB
	r      *responder[int]
	now    time.Time
	sent   []sent
	states map[int]assign.State
	calls  int // of Assigned
	warned []string
}

func newBench(t testing.TB, cfg assign.Config) *bench {
	t.Helper()
	b := &bench{t: t, now: start, states: map[int]assign.State{}}
	var err error
	b.r, err = newResponder(start, Config[int]{Config: cfg, Send: b.send, Assigned: b.assigned, Log: discard}, &counters{}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	b.r.warn = func(_ time.Time, err error) { b.warned = append(b.warned, err.Error()) }
	return b
}

func (b *bench) send(key int, packet []byte) {
	b.sent = append(b.sent, sent{key, append([]byte(nil), packet...)})
}

func (b *bench) assigned(key int, state, before assign.State) {
	if before != b.states[key] {
		b.t.Errorf("session %d: before is %v, want %v", key, before, b.states[key])
	}
	b.states[key] = state
	b.calls++
}

// advance lets time pass, and handles all timers in it.
func (b *bench) advance(d time.Duration) {
	for end := b.now.Add(d); ; {
		wait := b.r.advance(b.now)
		if b.now.Add(wait).After(end) {
			b.now = end
			return
		}
		b.now = b.now.Add(wait)
	}
}

// take returns what was sent since the last call.
func (b *bench) take() []sent {
	all := b.sent
	b.sent = nil
	return all
}

// one returns the only packet sent since the last call, parsed and checked.
func (b *bench) one() packet {
	b.t.Helper()
	all := b.take()
	if len(all) != 1 {
		b.t.Fatalf("%d packets are sent, want 1", len(all))
	}
	return parseSent(b.t, all[0].packet)
}

// parseSent checks what is true of every packet that is sent.
func parseSent(t testing.TB, b []byte) packet {
	t.Helper()
	p, err := parsePacket(b)
	if err == nil {
		err = p.valid()
	}
	if err != nil || len(b) != headerLen+len(p.payload) || !p.source.IsLinkLocalUnicast() || p.destination.IsUnspecified() {
		t.Fatalf("sent % x: %v", b, err)
	}
	if nd := p.next == protoICMPv6 && p.payload[0] != 129; (p.hopLimit == 255) != nd {
		t.Errorf("hop limit of %d: % x", p.hopLimit, b)
	}
	return p
}

func (b *bench) receive(packet []byte) error { return b.r.receive(b.now, 1, packet) }

// icmp makes a packet with an ICMPv6 message, whose checksum is 0.
func icmp(from, to netip.Addr, message []byte) []byte {
	p := packet{source: from, destination: to, next: protoICMPv6, hopLimit: 255, payload: message}
	return p.appendTo(nil, icmpChecksum)
}

func discovery(t testing.TB, from, to netip.Addr, m ndp.Message) []byte {
	t.Helper()
	message, err := ndp.MarshalMessage(m)
	if err != nil {
		t.Fatal(err)
	}
	return icmp(from, to, message)
}

func solicitation(t testing.TB) []byte {
	return discovery(t, peer, allRouters, &ndp.RouterSolicitation{})
}

// datagram makes a packet with a DHCPv6 message.
func datagram(from, to netip.Addr, message []byte) []byte {
	u := []byte{2, 34, 2, 35}
	u = append(binary.BigEndian.AppendUint16(u, uint16(udpLen+len(message))), 0, 0)
	p := packet{source: from, destination: to, next: protoUDP, hopLimit: 64, payload: append(u, message...)}
	return p.appendTo(nil, udpChecksum)
}

// clientMessage makes a DHCPv6 client's message.
func clientMessage(kind dhcpv6.MessageType, options ...dhcpv6.Option) []byte {
	m := &dhcpv6.Message{MessageType: kind, TransactionID: dhcpv6.TransactionID{1, 2, 3}}
	m.AddOption(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionClientID, OptionData: clientDUID})
	switch kind {
	case dhcpv6.MessageTypeSolicit, dhcpv6.MessageTypeRebind, dhcpv6.MessageTypeConfirm:
	default:
		m.AddOption(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionServerID, OptionData: serverDUID})
	}
	for _, o := range options {
		m.AddOption(o)
	}
	return m.ToBytes()
}

// request sends a DHCPv6 message of session 1, and returns the reply.
func (b *bench) request(kind dhcpv6.MessageType, options ...dhcpv6.Option) *dhcpv6.Message {
	b.t.Helper()
	b.take()
	if err := b.receive(datagram(peer, dhcp6.AllRelayAgentsAndServers, clientMessage(kind, options...))); err != nil {
		b.t.Fatal(err)
	}
	return b.reply()
}

// reply returns the DHCPv6 reply that is the only packet sent.
func (b *bench) reply() *dhcpv6.Message {
	b.t.Helper()
	p := b.one()
	if p.source != ours || p.destination != peer || p.next != protoUDP || binary.BigEndian.Uint32(p.payload) != 547<<16|546 {
		b.t.Errorf("reply from %v to %v, % x", p.source, p.destination, p.payload)
	}
	m, err := dhcpv6.MessageFromBytes(p.payload[udpLen:])
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

// advertisement parses a router advertisement.
func advertisement(t testing.TB, p packet) *ndp.RouterAdvertisement {
	t.Helper()
	m, err := ndp.ParseMessage(p.payload)
	if err != nil {
		t.Fatal(err)
	}
	ra, ok := m.(*ndp.RouterAdvertisement)
	if !ok {
		t.Fatalf("sent %v", m)
	}
	return ra
}

// up adds session 1, and takes its first advertisement.
func (b *bench) up(l Link) *ndp.RouterAdvertisement {
	b.t.Helper()
	if err := l.check(&b.r.cfg.Config); err != nil {
		b.t.Fatal(err)
	}
	b.r.up(b.now, 1, &l)
	p := b.one()
	if p.destination != allNodes || p.source != l.Local.LinkLocal() {
		b.t.Errorf("the first advertisement goes from %v to %v", p.source, p.destination)
	}
	return advertisement(b.t, p)
}

// used returns how many prefixes of all pools are allocated.
func (b *bench) used() int {
	c := b.r.cfg
	return c.Networks.Used() + c.Addresses.Used() + c.Prefixes.Used()
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }
