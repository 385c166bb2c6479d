package datapath

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"upppoe/tun"
)

// SharedConfig configures a SharedDevice.
type SharedConfig struct {
	// Device is the network device, which Close closes. With a tun.MultiQueue the work is spread
	// over processors: one goroutine reads each queue. A device without GSO is served one packet at
	// a time.
	Device tun.Device
	// Kind is KindPlain to move one packet at a time over any device.
	Kind Kind
	// IPv4 and IPv6 are the addresses that ICMP errors come from; invalid: there are none of that
	// family. Linux drops errors from an IPv4 address of its own unless
	// net.ipv4.conf.DEVICE.accept_local is 1.
	IPv4, IPv6 netip.Addr
	// Isolate drops packets from one session to another.
	Isolate bool
	// Local is called with each packet from a peer that must not leave the link, instead of it
	// being written to the device: Router Solicitations, DHCPv6 and everything else from or to a
	// link-local address, to ff02::/16, or from the unspecified address (RFC 4291 sections 2.5.2,
	// 2.5.6 and 2.7). It may be called concurrently, must not block, and must not keep the packet.
	// Nil: these packets are dropped.
	Local func(s SessionConfig, packet []byte)
	// Lost is called once if the device fails before Close. Nil: not called.
	Lost func(error)
	// Held leaves packets from the host in the device until Start: those of sessions that are about to be
	// adopted must not be answered by errors.
	Held bool
}

// SharedDevice is a network device for all sessions of a server. A packet from the host belongs to
// the session that has the longest prefix of its destination (Session.SetPrefixes); a packet from a
// peer must have a source address whose longest prefix is its session's. Errors are sent for
// packets to other addresses, and for those longer than the session's MTU. Sessions of several
// engines may use it, beside sessions with devices of their own. Its methods may be called
// concurrently.
//
// A packet passes these steps:
//
//	from the wire:  receive -> session lookup -> family open? -> source, isolation, rate -> link-local? -> MSS -> device
//	to the wire:    device -> prefix lookup -> family open? -> MTU -> as on the GSO path, one batch for each port
type SharedDevice struct {
	cfg      SharedConfig
	table    prefixTable[entry]
	errors   *icmpErrors
	gso      tun.GSODevice // nil: packets are moved one at a time
	single   tun.Device    // for packets that are written one at a time
	readers  []tun.GSOReader
	writers  []tun.GSOWriter
	next     atomic.Uint32 // writer to be given to the next port
	clock    func() instant
	change   sync.Mutex // guards the prefixes of all sessions
	counters sharedCounters

	running sync.WaitGroup
	closed  atomic.Bool
	failed  sync.Once
}

// SharedCounters are the packets from the host that a SharedDevice has sent to no session.
type SharedCounters struct {
	Unreachable uint64 // to addresses that no session has
	TooBig      uint64 // longer than the session's MTU; they are in the session's Dropped, too
}

type sharedCounters struct{ unreachable, tooBig atomic.Uint64 }

// NewSharedDevice returns a device for the Shared field of SessionConfig, and starts to read it, unless it
// is Held.
func NewSharedDevice(c SharedConfig) *SharedDevice {
	d := &SharedDevice{cfg: c, errors: newICMPErrors(c.IPv4, c.IPv6), clock: newClock()}
	d.openQueues()
	if !c.Held {
		d.Start()
	}
	return d
}

// Start starts to read a device that was Held. It must be called once at most, and not after Close.
func (d *SharedDevice) Start() {
	for i := range d.readers {
		// Ends when Close closes the device.
		d.running.Go(func() { d.transmit(i) })
	}
}

// StopReading leaves packets from the host in the device, for a successor that reads it too. When it
// returns, none of them is in transit. Packets from sessions still pass, until Close or Leave.
func (d *SharedDevice) StopReading() {
	stopper, ok := d.cfg.Device.(interface{ StopReading() })
	if !ok {
		return
	}
	d.closed.Store(true)
	stopper.StopReading()
	d.running.Wait()
}

// Name is the name of the network interface.
func (d *SharedDevice) Name() string { return d.cfg.Device.Name() }

// Isolates reports whether packets from one session to another are dropped.
func (d *SharedDevice) Isolates() bool { return d.cfg.Isolate }

// Counters returns the counters since NewSharedDevice.
func (d *SharedDevice) Counters() SharedCounters {
	return SharedCounters{Unreachable: d.counters.unreachable.Load(), TooBig: d.counters.tooBig.Load()}
}

// Close closes the network device. When it returns, none of its packets is in transit.
func (d *SharedDevice) Close() error {
	d.closed.Store(true)
	err := d.cfg.Device.Close()
	d.running.Wait()
	return err
}

// Leave is Close for a network device that a successor goes on with, if it is a tun.Leaver.
func (d *SharedDevice) Leave() error {
	d.closed.Store(true)
	leave := d.cfg.Device.Close
	if l, ok := d.cfg.Device.(tun.Leaver); ok {
		leave = l.Leave
	}
	err := leave()
	d.running.Wait()
	return err
}

// transmit moves packets from a queue to the sessions until the device is closed or lost.
func (d *SharedDevice) transmit(queue int) {
	err := newSharedQueue(d, queue).run()
	if !d.closed.Load() && d.cfg.Lost != nil {
		d.failed.Do(func() { d.cfg.Lost(err) })
	}
}
