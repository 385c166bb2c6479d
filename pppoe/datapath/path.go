package datapath

import (
	"errors"
	"sync/atomic"

	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// ErrSessionInUse is returned by Path.Add for a session ID that is in use.
var ErrSessionInUse = errors.New("datapath: session ID is already in use")

// HeadersLen is the length of the headers in front of an IP packet on the wire, in octets: Ethernet
// 14, PPPoE 6, and PPP's Protocol field 2.
const HeadersLen = 14 + 6 + 2

// Session is what the data path must know of a PPPoE session: the ID and the Ethernet addresses of
// its frames, and the device that its packets are written to and read from.
type Session struct {
	SessionID   uint16
	Local, Peer wire.Addr
	Device      tun.Device
}

// Path is the interface of the control plane to the data plane: it moves the packets of open
// sessions between ports and devices, without involving the control plane. Methods may be called
// concurrently; those with the ID of an unknown session do nothing.
type Path interface {
	// Add adds a session. No packet passes until SetFamilies is called. Remove closes the device;
	// after an error the caller keeps the device.
	Add(Session) error
	// SetFamilies sets which address families may pass: those whose NCP is open.
	SetFamilies(sessionID uint16, ipv4, ipv6 bool)
	// SetMSS sets the largest MSS that TCP may announce over a session, in either direction. The
	// initial value is no limit.
	SetMSS(sessionID uint16, limit MSSLimit)
	// SetSourceFilter sets the source addresses that packets from the peer may have. Others are
	// dropped, and counted as Spoofed. Nil, the initial value, allows all. It takes effect with the
	// next packet.
	SetSourceFilter(sessionID uint16, from *SourceFilter)
	// SetRates limits the rates of a session: up from the peer, down to it. Packets that exceed a
	// rate are dropped, and counted as Exceeded. The initial value is no limit. A later call with
	// the same Rate for a direction keeps the state of its token bucket.
	SetRates(sessionID uint16, up, down Rate)
	// Counters returns the counters of a session since Add.
	Counters(sessionID uint16) Counters
	// Remove removes a session and closes its device. When it returns, none of its packets is in
	// transit.
	Remove(sessionID uint16) Counters
}

// Counters are the packets of a session: IP packets and their octets, without the headers of PPP,
// PPPoE and Ethernet. Sent is to the peer, Received from it.
type Counters struct {
	SentPackets, SentBytes         uint64
	ReceivedPackets, ReceivedBytes uint64
	Dropped                        uint64 // packets of this session that were dropped, for any reason
	// Packets among Dropped that the source filter rejected, and that exceeded a Rate. A packet to
	// which both apply is Spoofed.
	Spoofed, Exceeded uint64
}

// Since returns the octets counted since earlier Counters of the same session; its other fields are
// zero.
func (c Counters) Since(before Counters) Counters {
	return Counters{SentBytes: c.SentBytes - before.SentBytes, ReceivedBytes: c.ReceivedBytes - before.ReceivedBytes}
}

// counters are Counters that several goroutines update.
type counters struct {
	sentPackets, sentBytes         atomic.Uint64
	receivedPackets, receivedBytes atomic.Uint64
	dropped                        atomic.Uint64 // for reasons other than the following two
	spoofed, exceeded              atomic.Uint64
}

func (c *counters) sent(packets, bytes int) {
	c.sentPackets.Add(uint64(packets))
	c.sentBytes.Add(uint64(bytes))
}

func (c *counters) received(packets, bytes int) {
	c.receivedPackets.Add(uint64(packets))
	c.receivedBytes.Add(uint64(bytes))
}

func (c *counters) read() Counters {
	spoofed, exceeded := c.spoofed.Load(), c.exceeded.Load()
	return Counters{
		SentPackets: c.sentPackets.Load(), SentBytes: c.sentBytes.Load(),
		ReceivedPackets: c.receivedPackets.Load(), ReceivedBytes: c.receivedBytes.Load(),
		Dropped: c.dropped.Load() + spoofed + exceeded, Spoofed: spoofed, Exceeded: exceeded,
	}
}
