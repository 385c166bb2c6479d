// Package afpacket implements datapath.Port on Linux packet sockets, through
// github.com/mdlayher/packet. It sends and receives batches of frames, and filters them in the
// kernel, so that frames for other stations, other VLANs and other ethertypes never wake the
// program. It inserts and removes VLAN tags (IEEE 802.1Q) itself, so that no VLAN devices of the
// kernel are needed. For the kernel data path see package pppoe/linux.
package afpacket

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"upppoe/internal/host/nic"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Errors of Open, each with what to do about it.
var (
	ErrNoInterface = errors.New("no such interface: `ip link` lists the interfaces")
	ErrNotEthernet = errors.New("not an Ethernet interface: PPPoE needs one")
	ErrDown        = errors.New("the interface is down")
	ErrPermission  = errors.New("no permission for packet sockets: run as root, or give the program CAP_NET_RAW (setcap cap_net_raw+ep FILE; cap_net_raw,cap_net_admin+ep where it also creates devices)")
)

// Port is a packet socket for one ethertype on an Attachment. One goroutine may read; all other
// methods may be called concurrently.
type Port struct {
	socket
	iface *net.Interface
	own   wire.Addr
	many  bool // own is one of many addresses: see Attachment.SourcePrefix
	mtu   int
	// inherited: the socket is one of an earlier process.
	inherited bool

	tagger    tagger
	tagBuffer []byte // for the tags that the kernel leaves in received frames
	trunk     bool   // tags stay in the frames
	// untagPriority: a priority tag is removed from received frames; only of a trunk.
	untagPriority bool

	rx        batch
	readable  waiter
	poller    pollerWaiter // waits in place of readable while no packets are expected
	moderator readModerator
	isDown    atomic.Bool // the interface went down, and nothing has been received since

	txMu     sync.Mutex // guards the following; held while a batch is sent
	tx       batch
	writable waiter

	statsMu sync.Mutex // guards stats
	stats   Stats
}

var _ datapath.Gatherer = (*Port)(nil)

// Open opens a port for frames of one ethertype with exactly the attachment's tags, for its
// address; discovery frames may also be broadcast. Frames have no tags at the port's methods: it
// inserts and removes them. The error names the interface and wraps one of the package's
// errors where one applies.
func Open(a Attachment, etherType uint16) (*Port, error) {
	p, err := open(a, etherType, noGroup)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a, err)
	}
	return p, nil
}

// noGroup is the group of a port that is in no fanout group.
const noGroup = -1

func open(a Attachment, etherType uint16, group int) (*Port, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	p := &Port{tagBuffer: make([]byte, len(a.inBand())*vlan.TagLen)}
	p.tagger.init(a)
	if err := p.bind(a, a.protocol(etherType), filterFor(a, etherType), group); err != nil {
		return nil, err
	}
	p.mtu = p.iface.MTU - a.overhead()
	return p, nil
}

// bind opens the socket, with the filter for the port's station, and joins a fanout group.
func (p *Port) bind(a Attachment, protocol int, filter func(station) []bpf.Instruction, group int) (err error) {
	if err := p.setStation(a); err != nil {
		return err
	}
	program, err := bpf.Assemble(filter(station{p.own, uint32(p.iface.Index)}))
	if err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	first := program
	if group != noGroup {
		first = []bpf.RawInstruction{{Op: unix.BPF_RET, K: drop}}
	}
	conn, err := packet.Listen(p.iface, packet.Raw, protocol, &packet.Config{Filter: first})
	if err != nil {
		return explain(a.Interface, err)
	}
	if err := p.adopt(conn); err != nil {
		return explain(a.Interface, err)
	}
	err = p.setUp()
	if err == nil && group != noGroup {
		err = p.joinFanout(group, program)
	}
	if err != nil {
		p.close()
		return explain(a.Interface, err)
	}
	return nil
}

// setStation sets the interface, which must be usable, and the port's address there.
func (p *Port) setStation(a Attachment) (err error) {
	if p.iface, err = check(a.Interface); err != nil {
		return err
	}
	p.own = wire.Addr(p.iface.HardwareAddr)
	if a.Source != (wire.Addr{}) {
		p.own = a.Source
	}
	p.many = a.SourcePrefix != 0
	return nil
}

// OpenPorts opens the discovery and the session port of an attachment, or neither. Errors are those
// of Open.
func OpenPorts(a Attachment) (pppoe.Ports, error) {
	discovery, err := Open(a, wire.EtherTypeDiscovery)
	if err != nil {
		return pppoe.Ports{}, err
	}
	session, err := Open(a, wire.EtherTypeSession)
	if err != nil {
		discovery.Close()
		return pppoe.Ports{}, err
	}
	ports := pppoe.Ports{Discovery: discovery, Session: session}
	if err := setSharedUnlessTagged(a, &ports); err != nil {
		ports.Close()
		return pppoe.Ports{}, fmt.Errorf("%s: %w", a, err)
	}
	return ports, nil
}

func check(name string) (*net.Interface, error) {
	iface, err := nic.ByName(name)
	switch fault := unix.Errno(0); {
	case errors.As(err, &fault): // the query failed, as without free descriptors
		return nil, fault
	case err != nil:
		return nil, ErrNoInterface
	case len(iface.HardwareAddr) != len(wire.Addr{}) || iface.Flags&net.FlagLoopback != 0:
		return nil, ErrNotEthernet
	case iface.Flags&net.FlagUp == 0:
		return nil, errDown(name)
	}
	return iface, nil
}

// errDown returns ErrDown with what to do about it.
func errDown(name string) error { return fmt.Errorf("%w: `ip link set %s up`", ErrDown, name) }

func explain(name string, err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w (%w)", ErrPermission, err)
	case errors.Is(err, unix.ENETDOWN):
		return errDown(name)
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return ErrNoInterface
	}
	return err
}

// receiveBuffer is the size of the socket's receive buffer in octets: some thousand full frames.
const receiveBuffer = 4 << 20

// writeTimeout is how long a writer waits for room in the socket: a network card that sends nothing
// for so long has no link.
const writeTimeout = 100 * time.Millisecond

func (p *Port) setUp() (err error) {
	p.readable.initReader(&p.socket)
	p.writable.initWriter(&p.socket, writeTimeout)
	p.rx.init(p.receive)
	p.tx.init(p.send)
	failed := p.raw.Control(func(fd uintptr) {
		// The auxiliary data says whether a checksum is pending.
		if err = unix.SetsockoptInt(int(fd), unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
			return
		}
		// A socket for all ethertypes receives a copy of each outgoing frame, for its filter to
		// drop. That costs a tenth of sending; Linux 4.20 can leave it out.
		unix.SetsockoptInt(int(fd), unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
		// Beyond the system's limit only with CAP_NET_ADMIN; otherwise the limit must do.
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
		}
		err = p.joinAddresses(int(fd))
	})
	if err := errors.Join(failed, err); err != nil {
		return err
	}
	return p.poller.init(&p.socket)
}

// joinAddresses makes the network card receive frames for addresses that are not its own.
func (p *Port) joinAddresses(fd int) error {
	member := unix.PacketMreq{Ifindex: int32(p.iface.Index), Type: unix.PACKET_MR_UNICAST, Alen: uint16(len(p.own))}
	copy(member.Address[:], p.own[:])
	switch {
	case p.many:
		member.Type = unix.PACKET_MR_PROMISC
	case p.own == wire.Addr(p.iface.HardwareAddr):
		return nil
	}
	return unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &member)
}

// Addr is the attachment's source address, or else the address that the interface had when the port
// was opened.
func (p *Port) Addr() wire.Addr { return p.own }

// MTU is the longest payload that can be sent, in octets: the interface's MTU when the port was
// opened, less the part of the tags that counts towards it.
func (p *Port) MTU() int { return p.mtu }

// Close makes a blocked ReadBatch return.
func (p *Port) Close() error {
	return p.close()
}

func (p *Port) close() error { return errors.Join(p.socket.close(), p.poller.close()) }

// Stats are counters of a port since it was opened.
type Stats struct {
	Received uint64 // frames that passed the filter, including Dropped
	Dropped  uint64 // frames that the socket had no room for
}

// Stats returns the counters. The kernel resets its own at each query; these are the totals.
func (p *Port) Stats() (Stats, error) {
	p.statsMu.Lock()
	defer p.statsMu.Unlock()
	var s *unix.TpacketStats
	var err error
	failed := p.raw.Control(func(fd uintptr) {
		s, err = unix.GetsockoptTpacketStats(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS)
	})
	if err := errors.Join(failed, err); err != nil {
		return p.stats, fmt.Errorf("%s: %w", p.iface.Name, err)
	}
	p.stats.Received += uint64(s.Packets)
	p.stats.Dropped += uint64(s.Drops)
	return p.stats, nil
}

// ReadBatch waits for frames. An interface that is down is not an error; one that does not exist
// any more is: ErrNoInterface, wrapped.
func (p *Port) ReadBatch(frames []datapath.Frame) (int, error) {
	for {
		n, err := p.read(frames)
		switch {
		case p.closed.Load():
			return 0, fmt.Errorf("%s: %w", p.iface.Name, net.ErrClosed)
		case errors.Is(err, unix.ENETDOWN), errors.Is(err, unix.EAGAIN):
			err = p.checkInterface()
		case n > 0 && p.isDown.Load():
			p.isDown.Store(false)
			p.readable.timeout = 0
		}
		if n > 0 || err != nil {
			p.moderator.count(frames[:n])
			return n, err
		}
	}
}

func (p *Port) read(frames []datapath.Frame) (int, error) {
	if p.trunk {
		return p.rx.readTrunk(p.raw, frames, p.untagPriority)
	}
	return p.rx.read(p.raw, frames, p.tagBuffer)
}

// downPollInterval is how often a reader checks whether an interface that is down still exists.
const downPollInterval = time.Second

// checkInterface returns an error if the interface does not exist any more, and else makes the
// reader check again soon: the kernel tells a socket once that its interface went down, which
// happens before it is removed, and never that it is removed.
func (p *Port) checkInterface() error {
	var own unix.Sockaddr
	var err error
	failed := p.raw.Control(func(fd uintptr) { own, err = unix.Getsockname(int(fd)) })
	if err := errors.Join(failed, err); err != nil {
		return fmt.Errorf("%s: %w", p.iface.Name, err)
	}
	// The kernel unbinds a socket from an interface that is removed.
	if ll, ok := own.(*unix.SockaddrLinklayer); ok && ll.Ifindex != p.iface.Index {
		return fmt.Errorf("%s: %w", p.iface.Name, ErrNoInterface)
	}
	p.isDown.Store(true)
	p.readable.timeout = downPollInterval
	return nil
}

// WriteBatch sends frames. A frame that the kernel refuses (its queue is full, the frame too long)
// does not stop the following ones.
func (p *Port) WriteBatch(frames [][]byte) (int, error) {
	p.txMu.Lock()
	defer p.txMu.Unlock()
	return p.writeResult(p.tx.write(p.raw, frames, &p.tagger))
}

// WriteGather is WriteBatch for frames in two pieces.
func (p *Port) WriteGather(frames [][2][]byte) (int, error) {
	p.txMu.Lock()
	defer p.txMu.Unlock()
	return p.writeResult(p.tx.gather(p.raw, frames, &p.tagger))
}

// writeResult returns the result of a write with its error explained.
func (p *Port) writeResult(n int, err error) (int, error) {
	switch {
	case err == nil:
		return n, nil
	case p.closed.Load():
		return n, fmt.Errorf("%s: %w", p.iface.Name, net.ErrClosed)
	case isInterfaceLost(err) && !p.isDown.Load():
		// The kernel reports this once, to the reader or to a writer: wake the reader.
		p.wake()
	}
	return n, fmt.Errorf("%s: %w", p.iface.Name, err)
}
