package datapath

import (
	"sync/atomic"

	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// HeadersLen are the octets in front of an IP packet on the wire: Ethernet 14,
// PPPoE 6, and PPP's Protocol field 2.
const HeadersLen = 14 + 6 + 2

// A Tunnel is what the data path must know of a session: where its frames come
// from and go to, and the device on whose far side its packets live.
type Session struct {
	SessionID   uint16
	Local, Peer wire.Addr
	Device      tun.Device
}

// A Path is the data plane as the control plane sees it: it moves the packets of
// open sessions between a Port and their devices, without asking anybody.
// Methods may be called concurrently.
type Path interface {
	// Add takes up a tunnel, over which nothing flows until Allow says so.
	Add(Session) error
	// SetFamilies says which families may flow: those whose control protocol is open.
	SetFamilies(sessionID uint16, ipv4, ipv6 bool)
	// SetMSS says how large an MSS the TCP of a tunnel may announce, either way. Before
	// it is called, there is no limit.
	SetMSS(sessionID uint16, limit MSSLimit)
	// SetSourceFilter says where packets from the peer of a tunnel may come from; those from
	// elsewhere are dropped, and counted as Spoofed. nil: from anywhere, as before it is
	// called. What it says holds for the packets that come from then on.
	SetSourceFilter(sessionID uint16, from *SourceFilter)
	// SetRates bounds what a tunnel carries: up from the peer, down to it. What exceeds that
	// is dropped, and counted as Exceeded. Before it is called, there is no bound. It may be
	// called again: the way whose Rate is as before goes on with what is left of its burst.
	SetRates(sessionID uint16, up, down Rate)
	// Counters are those of a tunnel since Add.
	Counters(sessionID uint16) Counters
	// Remove forgets a tunnel and closes its device. When it returns, nothing of
	// it flows any more.
	Remove(sessionID uint16) Counters
}

// Counters say what a tunnel has carried: IP packets and their octets, without
// any header of PPP, PPPoE or Ethernet.
type Counters struct {
	SentPackets, SentBytes         uint64
	ReceivedPackets, ReceivedBytes uint64
	Dropped                        uint64 // packets of this tunnel that were not passed on
	// Of these, packets that came from where none may, and beyond a Rate. Where both could
	// be said, it is the former.
	Spoofed, Exceeded uint64
}

// Since is what of the octets was carried after earlier Counters.
func (c Counters) Since(before Counters) Counters {
	return Counters{SentBytes: c.SentBytes - before.SentBytes, ReceivedBytes: c.ReceivedBytes - before.ReceivedBytes}
}

// counters is Counters as the data path writes them.
type counters struct {
	sentPackets, sentBytes         atomic.Uint64
	receivedPackets, receivedBytes atomic.Uint64
	dropped                        atomic.Uint64 // for other reasons than these:
	spoofed, exceeded              atomic.Uint64
}

func (m *counters) sent(packets, bytes int) {
	m.sentPackets.Add(uint64(packets))
	m.sentBytes.Add(uint64(bytes))
}

func (m *counters) received(packets, bytes int) {
	m.receivedPackets.Add(uint64(packets))
	m.receivedBytes.Add(uint64(bytes))
}

func (m *counters) read() Counters {
	spoofed, exceeded := m.spoofed.Load(), m.exceeded.Load()
	return Counters{
		SentPackets: m.sentPackets.Load(), SentBytes: m.sentBytes.Load(),
		ReceivedPackets: m.receivedPackets.Load(), ReceivedBytes: m.receivedBytes.Load(),
		Dropped: m.dropped.Load() + spoofed + exceeded, Spoofed: spoofed, Exceeded: exceeded,
	}
}
