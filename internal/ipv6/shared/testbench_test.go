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
	"upppoe/internal/ipv6/packet6"
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
func (b *bench) one() packet6.Packet {
	b.t.Helper()
	all := b.take()
	if len(all) != 1 {
		b.t.Fatalf("%d packets are sent, want 1", len(all))
	}
	return parseSent(b.t, all[0].packet)
}

// parseSent checks what is true of every packet that is sent.
func parseSent(t testing.TB, b []byte) packet6.Packet {
	t.Helper()
	p, err := packet6.Parse(b)
	if err == nil {
		err = p.Validate()
	}
	if err != nil || len(b) != packet6.HeaderLen+len(p.Payload) || !p.Source.IsLinkLocalUnicast() || p.Destination.IsUnspecified() {
		t.Fatalf("sent % x: %v", b, err)
	}
	if nd := p.NextHeader == packet6.ICMPv6 && p.Payload[0] != 129; (p.HopLimit == 255) != nd {
		t.Errorf("hop limit of %d: % x", p.HopLimit, b)
	}
	return p
}

func (b *bench) receive(packet []byte) error { return b.r.receive(b.now, 1, packet) }

// icmp makes a packet with an ICMPv6 message, whose checksum is 0.
func icmp(from, to netip.Addr, message []byte) []byte {
	p := packet6.Packet{Source: from, Destination: to, NextHeader: packet6.ICMPv6, HopLimit: 255, Payload: message}
	return p.AppendTo(nil)
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
	d := packet6.Datagram{SourcePort: dhcp6.ClientPort, DestinationPort: dhcp6.ServerPort, Data: message}
	p := packet6.Packet{Source: from, Destination: to, NextHeader: packet6.UDP, HopLimit: 64, Payload: d.AppendTo(nil)}
	return p.AppendTo(nil)
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
	if p.Source != ours || p.Destination != peer || p.NextHeader != packet6.UDP || binary.BigEndian.Uint32(p.Payload) != 547<<16|546 {
		b.t.Errorf("reply from %v to %v, % x", p.Source, p.Destination, p.Payload)
	}
	m, err := dhcpv6.MessageFromBytes(p.Payload[packet6.UDPLen:])
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

// advertisement parses a router advertisement.
func advertisement(t testing.TB, p packet6.Packet) *ndp.RouterAdvertisement {
	t.Helper()
	m, err := ndp.ParseMessage(p.Payload)
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
	if p.Destination != allNodes || p.Source != l.Local.LinkLocal() {
		b.t.Errorf("the first advertisement goes from %v to %v", p.Source, p.Destination)
	}
	return advertisement(b.t, p)
}

// used returns how many prefixes of all pools are allocated.
func (b *bench) used() int {
	c := b.r.cfg
	return c.Networks.Used() + c.Addresses.Used() + c.Prefixes.Used()
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }
