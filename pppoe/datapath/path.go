package datapath

import (
	"errors"
	"net/netip"
	"sync/atomic"
)

// ErrSessionInUse is wrapped by errors of Path.Add for a session whose Key is in use.
var ErrSessionInUse = errors.New("datapath: session is already in use")

// ErrNotShared is returned by SetPrefixes of a session with a device of its own.
var ErrNotShared = errors.New("datapath: the session has a device of its own")

// HeadersLen is the length of the headers in front of an IP packet on the wire, in octets: Ethernet
// 14, PPPoE 6, and PPP's Protocol field 2.
const HeadersLen = 14 + 6 + 2

// Path is the interface of the control plane to the data plane: it moves the packets of open
// sessions between ports and devices, without involving the control plane. Its methods may be
// called concurrently.
type Path interface {
	// Add adds a session. No packet passes until its SetFamilies is called. The error wraps
	// ErrSessionInUse; after an error the caller keeps the device.
	Add(SessionConfig) (Session, error)
}

// Session is a session in the data path. Its methods may be called concurrently. After Remove they
// have no effect, and Counters are final.
type Session interface {
	// SetFamilies sets which address families may pass: those whose NCP is open.
	SetFamilies(ipv4, ipv6 bool)
	// SetMSS sets the largest MSS that TCP may announce over the session, in either direction. The
	// initial value is no limit.
	SetMSS(MSSLimit)
	// SetSourceFilter sets the source addresses that packets from the peer may have. Others are
	// dropped, and counted as Spoofed. Nil, the initial value, allows all. It takes effect with the
	// next packet.
	SetSourceFilter(*SourceFilter)
	// SetRates limits the rates of the session: up from the peer, down to it. Packets that exceed a
	// rate are dropped, and counted as Exceeded. The initial value is no limit. A later call with
	// the same Rate for a direction keeps the state of its token bucket.
	SetRates(up, down Rate)
	// SetPrefixes sets the inner addresses of a session of a SharedDevice: packets to them are sent to
	// the peer, and packets from others are dropped, and counted as Spoofed. Initially there are
	// none. A prefix may lie within another session's. The prefixes replace the former ones all
	// together or, after an error, not at all; those in both sets are carried all the time. The
	// peer's link-local address, as a prefix of 128 bits, may be among them: it belongs to the
	// session alone. The slice must not be changed afterwards. The error wraps ErrPrefix,
	// ErrPrefixInUse or ErrNotShared.
	SetPrefixes([]netip.Prefix) error
	// SetMTU sets the length of the longest IP packet that the peer accepts, in octets, for a session
	// of a SharedDevice. Longer ones are fragmented or, with IPv4's DF and over IPv6, dropped and
	// answered. 0, the initial value: the device's MTU is enough.
	SetMTU(octets int)
	// Send sends an IP packet to the peer, regardless of rates, and counts it. It reports whether it
	// was sent: it is not if its family is closed, or if it is longer than the port's MTU allows.
	Send(packet []byte) bool
	// Counters returns the counters since Add, and what AddCounters has added.
	Counters() Counters
	// AddCounters adds what the session had carried in another program, which it is adopted from. It is
	// called once at most, after Add and before SetFamilies. Counters that an Offload has kept meanwhile
	// are not counted twice.
	AddCounters(Counters)
	// StopReading leaves packets from the host in the session's own device, for a successor that reads it
	// too. When it returns, none of them is in transit. Packets from the peer still pass. Leave then closes
	// the device, once the ports are closed, and leaves the network interface, if the device is a
	// tun.Leaver. Neither has an effect on a SharedDevice; no other method may be called afterwards.
	StopReading()
	Leave()
	// Remove removes the session and closes its device. When it returns, none of its packets is in
	// transit. A SharedDevice is not closed; packets that it has read may still be in transit.
	Remove() Counters
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
	Isolated          uint64 // packets among Dropped to another session of a SharedDevice with Isolate
}

// Since returns the octets counted since earlier Counters of the same session; its other fields are
// zero.
func (c Counters) Since(before Counters) Counters {
	return Counters{SentBytes: c.SentBytes - before.SentBytes, ReceivedBytes: c.ReceivedBytes - before.ReceivedBytes}
}

// Plus returns the sums of two.
func (c Counters) Plus(d Counters) Counters {
	return Counters{
		SentPackets: c.SentPackets + d.SentPackets, SentBytes: c.SentBytes + d.SentBytes,
		ReceivedPackets: c.ReceivedPackets + d.ReceivedPackets, ReceivedBytes: c.ReceivedBytes + d.ReceivedBytes,
		Dropped: c.Dropped + d.Dropped, Spoofed: c.Spoofed + d.Spoofed, Exceeded: c.Exceeded + d.Exceeded,
		Isolated: c.Isolated + d.Isolated,
	}
}

// without returns the counters without those that are also in another, which may have more.
func (c Counters) without(d Counters) Counters {
	return Counters{
		SentPackets: c.SentPackets - min(c.SentPackets, d.SentPackets), SentBytes: c.SentBytes - min(c.SentBytes, d.SentBytes),
		ReceivedPackets: c.ReceivedPackets - min(c.ReceivedPackets, d.ReceivedPackets), ReceivedBytes: c.ReceivedBytes - min(c.ReceivedBytes, d.ReceivedBytes),
		Dropped: c.Dropped - min(c.Dropped, d.Dropped), Spoofed: c.Spoofed - min(c.Spoofed, d.Spoofed),
		Exceeded: c.Exceeded - min(c.Exceeded, d.Exceeded), Isolated: c.Isolated - min(c.Isolated, d.Isolated),
	}
}

// counters are Counters that several goroutines update.
type counters struct {
	sentPackets, sentBytes         atomic.Uint64
	receivedPackets, receivedBytes atomic.Uint64
	drops                          atomic.Pointer[dropCounters] // nil: none
}

// dropCounters are those of packets that were dropped. Few sessions have any.
type dropCounters struct {
	other                       atomic.Uint64 // for reasons other than the following
	spoofed, exceeded, isolated atomic.Uint64
}

// dropped returns the counters of dropped packets, to add to one.
func (c *counters) dropped() *dropCounters {
	if d := c.drops.Load(); d != nil {
		return d
	}
	c.drops.CompareAndSwap(nil, new(dropCounters))
	return c.drops.Load()
}

func (c *counters) sent(packets, bytes int) {
	c.sentPackets.Add(uint64(packets))
	c.sentBytes.Add(uint64(bytes))
}

func (c *counters) received(packets, bytes int) {
	c.receivedPackets.Add(uint64(packets))
	c.receivedBytes.Add(uint64(bytes))
}

func (c *counters) add(n Counters) {
	c.sent(int(n.SentPackets), int(n.SentBytes))
	c.received(int(n.ReceivedPackets), int(n.ReceivedBytes))
	if n.Dropped == 0 {
		return
	}
	d := c.dropped()
	d.spoofed.Add(n.Spoofed)
	d.exceeded.Add(n.Exceeded)
	d.isolated.Add(n.Isolated)
	d.other.Add(n.Dropped - min(n.Dropped, n.Spoofed+n.Exceeded+n.Isolated))
}

func (c *counters) read() Counters {
	n := Counters{
		SentPackets: c.sentPackets.Load(), SentBytes: c.sentBytes.Load(),
		ReceivedPackets: c.receivedPackets.Load(), ReceivedBytes: c.receivedBytes.Load(),
	}
	if d := c.drops.Load(); d != nil {
		n.Spoofed, n.Exceeded, n.Isolated = d.spoofed.Load(), d.exceeded.Load(), d.isolated.Load()
		n.Dropped = d.other.Load() + n.Spoofed + n.Exceeded + n.Isolated
	}
	return n
}
