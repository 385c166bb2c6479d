package pppoe

import (
	"sync/atomic"

	"upppoe/tun"
)

// Headers are the octets in front of an IP packet on the wire: Ethernet 14,
// PPPoE 6, and PPP's Protocol field 2.
const Headers = 14 + 6 + 2

// A Tunnel is what the data path must know of a session: where its frames come
// from and go to, and the device on whose far side its packets live.
type Tunnel struct {
	SessionID   uint16
	Local, Peer Addr
	Device      tun.Device
}

// A Path is the data plane as the control plane sees it: it moves the packets of
// open sessions between a Port and their devices, without asking anybody.
// Methods may be called concurrently.
type Path interface {
	// Add takes up a tunnel, over which nothing flows until Allow says so.
	Add(Tunnel) error
	// Allow says which families may flow: those whose control protocol is open.
	Allow(sessionID uint16, ipv4, ipv6 bool)
	// Clamp says how large an MSS the TCP of a tunnel may announce, either way. Before
	// it is called, there is no limit.
	Clamp(sessionID uint16, limit MSSLimit)
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
	Dropped                        uint64 // packets of this tunnel that could not be passed on
}

// meter is Counters as the data path writes them.
type meter struct {
	sentPackets, sentBytes         atomic.Uint64
	receivedPackets, receivedBytes atomic.Uint64
	dropped                        atomic.Uint64
}

func (m *meter) sent(packets, bytes int) {
	m.sentPackets.Add(uint64(packets))
	m.sentBytes.Add(uint64(bytes))
}

func (m *meter) received(packets, bytes int) {
	m.receivedPackets.Add(uint64(packets))
	m.receivedBytes.Add(uint64(bytes))
}

func (m *meter) read() Counters {
	return Counters{
		SentPackets: m.sentPackets.Load(), SentBytes: m.sentBytes.Load(),
		ReceivedPackets: m.receivedPackets.Load(), ReceivedBytes: m.receivedBytes.Load(),
		Dropped: m.dropped.Load(),
	}
}
