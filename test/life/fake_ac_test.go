package life

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"upppoe/ppp"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
)

// fakeAC is a concentrator that accepts everything, except for its faults. It requires no
// authentication.
type fakeAC struct {
	fault
	name      string
	ports     pppoe.Ports
	mu        sync.Mutex
	client    wire.Addr
	session   uint16
	requested bool // our own IPCP Configure-Request has been sent
	open      bool
	requests  int
	received  []wire.DiscoveryFrame
}

// fault is how a fakeAC misbehaves. The zero value has no fault.
type fault struct {
	assign, local netip.Addr // the client's address, and ours: default 192.0.2.10 and 192.0.2.1
	dns           [2]netip.Addr
	before, after func(wire.Code)                                     // called before and after the answer to a discovery packet
	refuse        string                                              // error text of a PADS without session
	ignored       []ppp.Protocol                                      // protocols without answer
	reflect       bool                                                // all frames are sent back
	online        func(f *fakeAC)                                     // called once IPv4 is open
	onControl     func(f *fakeAC, p ppp.Protocol, c ppp.Control) bool // returns true if it has handled the packet
}

func newFakeAC(t testing.TB, in *lab.Namespace, name string, m fault) *fakeAC {
	t.Helper()
	if !m.assign.IsValid() {
		m.assign = netip.MustParseAddr("192.0.2.10")
	}
	if !m.local.IsValid() {
		m.local = netip.MustParseAddr("192.0.2.1")
	}
	f := &fakeAC{fault: m, name: name}
	check(t, in.Do(func() (err error) {
		f.ports, err = afpacket.OpenPorts(afpacket.Attachment{Interface: "eth0"})
		return err
	}))
	var ended sync.WaitGroup
	ended.Go(func() { readFrames(f.ports.Discovery, f.handleDiscovery) })
	ended.Go(func() { readFrames(f.ports.Session, f.handleSession) })
	t.Cleanup(func() { f.ports.Close(); ended.Wait() })
	return f
}

// readFrames calls a function with each frame until the port is closed.
func readFrames(port datapath.Port, to func(frame []byte)) {
	frames := []datapath.Frame{{Data: make([]byte, 2048)}}
	for {
		frames[0].Data = frames[0].Data[:cap(frames[0].Data)]
		if n, err := port.ReadBatch(frames); err != nil {
			return
		} else if n == 1 {
			to(frames[0].Data)
		}
	}
}

func (f *fakeAC) handleDiscovery(frame []byte) {
	p, err := wire.ParseDiscoveryFrame(frame)
	if err != nil {
		return
	}
	f.mu.Lock()
	f.received = append(f.received, p)
	f.mu.Unlock()
	if f.before != nil {
		f.before(p.Code)
	}
	f.answerDiscovery(p)
	if f.after != nil {
		f.after(p.Code)
	}
}

func (f *fakeAC) answerDiscovery(p wire.DiscoveryFrame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var tags wire.Tags
	for _, copied := range []wire.TagType{wire.TagServiceName, wire.TagHostUniq, wire.TagRelaySessionID} {
		if value, ok := p.Tags.Find(copied); ok {
			tags = tags.Append(copied, value)
		}
	}
	tags = tags.Append(wire.TagACName, []byte(f.name))
	switch {
	case p.Code == wire.PADI:
		f.sendDiscovery(p.Src, wire.PADO, 0, tags)
	case p.Code == wire.PADR && f.refuse != "":
		f.sendDiscovery(p.Src, wire.PADS, 0, tags.Append(wire.TagACSystemError, []byte(f.refuse)))
	case p.Code == wire.PADR:
		f.client, f.requested, f.open = p.Src, false, false
		f.session++
		f.sendDiscovery(p.Src, wire.PADS, f.session, tags)
	}
}

// discoveryPackets returns the received discovery packets of a code.
func (f *fakeAC) discoveryPackets(code wire.Code) (all []wire.DiscoveryFrame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.received {
		if p.Code == code {
			all = append(all, p)
		}
	}
	return all
}

// sendDiscovery sends a discovery packet.
func (f *fakeAC) sendDiscovery(to wire.Addr, code wire.Code, id uint16, tags wire.Tags) {
	p := wire.DiscoveryFrame{Dst: to, Src: f.ports.Discovery.Addr(), Discovery: wire.Discovery{Code: code, SessionID: id, Tags: tags}}
	f.ports.Discovery.WriteBatch([][]byte{p.AppendTo(nil)})
}

// hangUp terminates the session with a PADT.
func (f *fakeAC) hangUp() { f.sendDiscovery(f.client, wire.PADT, f.session, nil) }

func (f *fakeAC) handleSession(frame []byte) {
	id, inner, err := wire.ParseSession(frame[14:])
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if id != f.session {
		return
	}
	protocol, body, err := ppp.ParseFrame(inner)
	if err != nil {
		return
	}
	if f.reflect {
		f.sendFrame(inner)
		return
	}
	c, err := ppp.ParseControl(body)
	if err != nil || protocol&0x8000 == 0 || slices.Contains(f.ignored, protocol) {
		return
	}
	if f.onControl == nil || !f.onControl(f, protocol, c) {
		f.answer(protocol, c)
	}
}

func (f *fakeAC) sendFrame(inner []byte) {
	f.ports.Session.WriteBatch([][]byte{wire.AppendSessionFrame(nil, f.client, f.ports.Session.Addr(), f.session, inner)})
}

// send sends a control packet.
func (f *fakeAC) send(p ppp.Protocol, code ppp.Code, id uint8, data []byte) {
	f.sendFrame(ppp.Control{Code: code, ID: id, Data: data}.AppendTo(binary.BigEndian.AppendUint16(nil, uint16(p))))
}

// IPCP options (RFC 1332, RFC 1877).
const (
	optAddress = 3
	optDNS1    = 129
	optDNS2    = 131
)

func (f *fakeAC) answer(p ppp.Protocol, c ppp.Control) {
	switch {
	case c.Code == ppp.EchoRequest:
		f.send(p, ppp.EchoReply, c.ID, append([]byte{0, 0, 0, 0}, c.Data[4:]...))
	case c.Code == ppp.TerminateRequest:
		f.send(p, ppp.TerminateAck, c.ID, nil)
	case p == ppp.IPv6CP:
		rejected := binary.BigEndian.AppendUint16(nil, uint16(p))
		f.send(ppp.LCP, ppp.ProtocolReject, 1, c.AppendTo(rejected))
	case c.Code == ppp.ConfigureRequest && p == ppp.LCP:
		f.send(p, ppp.ConfigureAck, c.ID, c.Data)
		f.send(p, ppp.ConfigureRequest, 1, nil)
	case c.Code == ppp.ConfigureRequest && p == ppp.IPCP:
		f.answerIPCP(c)
	case (c.Code == ppp.ConfigureNak || c.Code == ppp.ConfigureReject) && p == ppp.IPCP:
		f.requestAddress()
	}
}

// requestAddress requests our address, and no other.
func (f *fakeAC) requestAddress() {
	f.requests++
	f.send(ppp.IPCP, ppp.ConfigureRequest, byte(f.requests), ppp.Option{Type: optAddress, Value: f.local.AsSlice()}.AppendTo(nil))
}

// answerIPCP answers an IPCP request with a Configure-Nak or a Configure-Ack.
func (f *fakeAC) answerIPCP(c ppp.Control) {
	options, err := ppp.ParseOptions(c.Data)
	if err != nil {
		return
	}
	want := map[uint8]netip.Addr{optAddress: f.assign, optDNS1: f.dns[0], optDNS2: f.dns[1]}
	var nak []byte
	for o := range options.All() {
		if should := want[o.Type]; should.IsValid() && !bytes.Equal(o.Value, should.AsSlice()) {
			nak = ppp.Option{Type: o.Type, Value: should.AsSlice()}.AppendTo(nak)
		}
	}
	if !f.requested {
		f.requested = true
		f.requestAddress()
	}
	if len(nak) > 0 {
		f.send(ppp.IPCP, ppp.ConfigureNak, c.ID, nak)
		return
	}
	f.send(ppp.IPCP, ppp.ConfigureAck, c.ID, c.Data)
	if !f.open {
		f.open = true
		if f.online != nil {
			f.online(f)
		}
	}
}

// addressIn returns the address in the options of an IPCP packet.
func addressIn(data []byte) (a netip.Addr) {
	if options, err := ppp.ParseOptions(data); err == nil {
		if o, ok := options.Find(optAddress); ok {
			a, _ = netip.AddrFromSlice(o.Value)
		}
	}
	return a
}
