package explain_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/pap"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// scenario builds a capture of a host and a concentrator.
type scenario struct {
	host, ac wire.Addr
	vlan     vlan.Stack
	id       uint16
	now      time.Time
	uniq     []byte
	frames   []captured
}

type captured struct {
	at    time.Time
	frame []byte
}

func newScenario() *scenario {
	return &scenario{
		host: wire.Addr{2, 0, 0x5e, 0, 0x53, 2}, ac: wire.Addr{2, 0, 0x5e, 0, 0x53, 1}, id: 7,
		now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), uniq: []byte{1, 2, 3, 4},
	}
}

func (s *scenario) wait(d time.Duration) { s.now = s.now.Add(d) }

// add captures a frame, a millisecond after the last one.
func (s *scenario) add(frame []byte) {
	s.wait(time.Millisecond)
	s.frames = append(s.frames, captured{s.now, frame})
}

type tag struct {
	typ   wire.TagType
	value string
}

func (s *scenario) discovery(src, dst wire.Addr, code wire.Code, id uint16, tags ...tag) {
	var list wire.Tags
	for _, t := range tags {
		list = list.Append(t.typ, []byte(t.value))
	}
	if code != wire.PADT {
		list = list.Append(wire.TagHostUniq, s.uniq)
	}
	d := wire.DiscoveryFrame{Dst: dst, Src: src, VLAN: s.vlan, Discovery: wire.Discovery{Code: code, SessionID: id, Tags: list}}
	s.add(d.AppendTo(nil))
}

var (
	anyService = tag{wire.TagServiceName, ""}
	acName     = tag{wire.TagACName, "bras-1"}
	cookie     = tag{wire.TagACCookie, "cookie"}
)

func (s *scenario) padi(tags ...tag) {
	s.discovery(s.host, wire.Broadcast, wire.PADI, 0, append([]tag{anyService}, tags...)...)
}
func (s *scenario) pado(tags ...tag) {
	s.discovery(s.ac, s.host, wire.PADO, 0, append([]tag{anyService, acName, cookie}, tags...)...)
}
func (s *scenario) padr(tags ...tag) {
	s.discovery(s.host, s.ac, wire.PADR, 0, append([]tag{anyService, cookie}, tags...)...)
}
func (s *scenario) pads(tags ...tag) {
	s.discovery(s.ac, s.host, wire.PADS, s.id, append([]tag{anyService}, tags...)...)
}

// padt ends the session, sent by the host or by the concentrator.
func (s *scenario) padt(byHost bool, tags ...tag) {
	src, dst := s.ends(byHost)
	s.discovery(src, dst, wire.PADT, s.id, tags...)
}

func (s *scenario) ends(byHost bool) (src, dst wire.Addr) {
	if byHost {
		return s.host, s.ac
	}
	return s.ac, s.host
}

// discover has a whole discovery.
func (s *scenario) discover() {
	s.padi()
	s.pado()
	s.padr()
	s.pads()
}

// send sends a control packet; data is strings, octets and options.
func (s *scenario) send(byHost bool, p ppp.Protocol, code ppp.Code, id uint8, data ...any) {
	var b []byte
	for _, d := range data {
		switch d := d.(type) {
		case string:
			b = append(b, d...)
		case []byte:
			b = append(b, d...)
		case ppp.Option:
			b = d.AppendTo(b)
		}
	}
	s.frame(byHost, ppp.Control{Code: code, ID: id, Data: b}.AppendTo(binary.BigEndian.AppendUint16(nil, uint16(p))))
}

func (s *scenario) frame(byHost bool, frame []byte) {
	src, dst := s.ends(byHost)
	s.add(wire.AppendTaggedSession(nil, dst, src, s.vlan, s.id, frame))
}

// data sends a packet of IPv4 of so many octets.
func (s *scenario) data(byHost bool, octets int) {
	s.frame(byHost, append([]byte{0, 0x21}, make([]byte, octets)...))
}

func mru(n uint16) ppp.Option {
	return ppp.Option{Type: lcp.OptMRU, Value: binary.BigEndian.AppendUint16(nil, n)}
}

func magic(n uint32) ppp.Option {
	return ppp.Option{Type: lcp.OptMagic, Value: binary.BigEndian.AppendUint32(nil, n)}
}

func auth(m ppp.Method) ppp.Option { return ppp.Option{Type: lcp.OptAuth, Value: m.Option()} }

func address(typ uint8, octets ...byte) ppp.Option { return ppp.Option{Type: typ, Value: octets} }

const (
	byHost, byAC         = true, false
	hostMagic, acMagic   = 0x11111111, 0x22222222
	request, ack         = ppp.ConfigureRequest, ppp.ConfigureAck
	nak, reject, echoReq = ppp.ConfigureNak, ppp.ConfigureReject, ppp.EchoRequest
)

// link opens LCP; the concentrator requires authentication by m, unless that is nil.
func (s *scenario) link(m ppp.Method) {
	s.send(byHost, ppp.LCP, request, 1, mru(1492), magic(hostMagic))
	s.send(byAC, ppp.LCP, ack, 1, mru(1492), magic(hostMagic))
	options := []any{mru(1492), magic(acMagic)}
	if m != nil {
		options = append(options, auth(m))
	}
	s.send(byAC, ppp.LCP, request, 1, options...)
	s.send(byHost, ppp.LCP, ack, 1, options...)
}

// login authenticates the host by PAP.
func (s *scenario) login(code ppp.Code, message string) {
	s.papRequest()
	s.send(byAC, ppp.PAP, code, 1, []byte{byte(len(message))}, message)
}

func (s *scenario) papRequest() {
	s.send(byHost, ppp.PAP, pap.AuthenticateRequest, 1, "\x05alice\x06secret")
}

// ipv4 negotiates addresses.
func (s *scenario) ipv4() {
	any, given, ac := address(ipcp.OptAddress, 0, 0, 0, 0), address(ipcp.OptAddress, 192, 0, 2, 10), address(ipcp.OptAddress, 192, 0, 2, 1)
	s.send(byAC, ppp.IPCP, request, 1, ac)
	s.send(byHost, ppp.IPCP, ack, 1, ac)
	s.send(byHost, ppp.IPCP, request, 1, any)
	s.send(byAC, ppp.IPCP, nak, 1, given)
	s.send(byHost, ppp.IPCP, request, 2, given)
	s.send(byAC, ppp.IPCP, ack, 2, given)
}

// up is a session that is established.
func (s *scenario) up() {
	s.discover()
	s.link(pap.Method)
	s.login(pap.AuthenticateAck, "welcome")
	s.ipv4()
	s.data(byHost, 84)
	s.data(byAC, 84)
}

func (s *scenario) echo(magic uint32) []byte {
	return binary.BigEndian.AppendUint32(nil, magic)
}

func (s *scenario) challenge(byHost bool, code ppp.Code, name string) {
	s.send(byHost, ppp.CHAP, code, 9, chap.AppendValue(nil, make([]byte, 16), name))
}

func (s *scenario) eap(byHost bool, code ppp.Code, id uint8, typ eap.Type, data string) {
	s.send(byHost, ppp.EAP, code, id, []byte{byte(typ)}, data)
}

// pcap returns the frames as a capture file.
func (s *scenario) pcap(t testing.TB) []byte {
	t.Helper()
	var file bytes.Buffer
	w := pcapgo.NewWriterNanos(&file)
	if err := w.WriteFileHeader(1<<16, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	for _, f := range s.frames {
		info := gopacket.CaptureInfo{Timestamp: f.at, CaptureLength: len(f.frame), Length: len(f.frame)}
		if err := w.WritePacket(info, f.frame); err != nil {
			t.Fatal(err)
		}
	}
	return file.Bytes()
}

// later adds a frame of another protocol: the capture goes on for so long.
func (s *scenario) later(d time.Duration) {
	s.wait(d)
	s.add(append(append(make([]byte, 12), 0x88, 0xcc), make([]byte, 46)...))
}
