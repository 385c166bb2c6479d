// Package dialondemand keeps a network device between sessions, so that traffic sent to it can
// trigger a dial (pppd's demand): the device, its addresses and routes stay from one session to
// the next. It does not dial itself.
package dialondemand

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"upppoe/ipcp"
	"upppoe/pppoe"
	"upppoe/tun"
)

// Device is what Network needs in addition to a tun.Device: a read deadline that can be set while
// a Read waits, which then returns os.ErrDeadlineExceeded. The zero time is no deadline.
type Device interface {
	tun.Device
	SetReadDeadline(time.Time) error
}

// Addresses that pppd gives a device while none are known (pppd(8), demand).
var (
	placeholderLocal  = netip.AddrFrom4([4]byte{10, 112, 112, 112})
	placeholderRemote = netip.AddrFrom4([4]byte{10, 64, 64, 64})
)

// PlaceholderAddressing returns the addressing of a device without a session: the known addresses,
// and placeholders for the others. MTU is in octets.
func PlaceholderAddressing(local, remote netip.Addr, mtu int) pppoe.Addressing {
	if !local.IsValid() {
		local = placeholderLocal
	}
	if !remote.IsValid() {
		remote = placeholderRemote
	}
	return pppoe.Addressing{MTU: mtu, IPv4: ipcp.Agreement{Local: local, Remote: remote}}
}

// Network is a pppoe.HostNetwork for one session at a time, whose device exists all the time. Its
// methods may be called concurrently, except Close.
type Network struct {
	inner       pppoe.HostNetwork
	info        pppoe.SessionInfo // passed to inner for every session
	placeholder pppoe.Addressing
	device      Device

	mu      sync.Mutex
	session *sessionDevice   // nil: there is no session
	current pppoe.Addressing // of the device
	queued  [][]byte         // packets that triggered the dial
}

// maxQueued limits the packets that are queued until there is a session.
const maxQueued = 16

// New opens the device, with placeholder addresses.
func New(h pppoe.HostNetwork, info pppoe.SessionInfo, placeholder pppoe.Addressing) (*Network, error) {
	made, err := h.Open(info)
	if err != nil {
		return nil, err
	}
	device, ok := made.(Device)
	if !ok {
		made.Close()
		h.Close(info, pppoe.Addressing{})
		return nil, errors.New("demand: this kind of device has no read deadline")
	}
	info.Device = device.Name()
	d := &Network{inner: h, info: info, placeholder: placeholder, device: device}
	if err := d.configure(placeholder); err != nil {
		d.RemoveDevice()
		return nil, err
	}
	return d, nil
}

// Device returns the name of the device.
func (d *Network) Device() string { return d.info.Device }

// RemoveDevice removes the device. No session may be open then.
func (d *Network) RemoveDevice() {
	d.device.Close()
	d.inner.Close(d.info, d.current)
}

func (d *Network) configure(want pppoe.Addressing) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.inner.Configure(d.info, d.current, want)
	d.current = want
	return err
}

// Wait waits until a packet that triggers a dial is sent to the device, and queues it, or until
// the context ends.
func (d *Network) Wait(ctx context.Context) {
	d.device.SetReadDeadline(time.Time{}) // the last session has left one in the past
	stop := context.AfterFunc(ctx, func() { d.device.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf, size := [][]byte{make([]byte, 65536)}, []int{0}
	for ctx.Err() == nil {
		n, err := d.device.Read(buf, size, 0)
		if err != nil {
			return
		}
		if n > 0 && triggersDial(buf[0][:size[0]]) {
			d.enqueue(buf[0][:size[0]])
			return
		}
	}
}

// triggersDial reports whether a packet has a unicast or broadcast destination beyond the link:
// what a host sends by itself when a device comes up (RFC 4861, RFC 3810, mDNS) must not trigger a
// dial.
func triggersDial(packet []byte) bool {
	switch {
	case len(packet) >= 20 && packet[0]>>4 == 4:
		return packet[16] < 224 || packet[16] == 255
	case len(packet) >= 40 && packet[0]>>4 == 6:
		return packet[24] != 0xff && !(packet[24] == 0xfe && packet[25]&0xc0 == 0x80)
	}
	return false
}

func (d *Network) enqueue(packet []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queued) < maxQueued {
		d.queued = append(d.queued, append([]byte(nil), packet...))
	}
}

// takeQueued returns the queued packets that a session can carry: one from a placeholder address
// would never be answered.
func (d *Network) takeQueued() (packets [][]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.queued {
		if p[0]>>4 != 4 || d.current.HasIPv4() && netip.AddrFrom4([4]byte(p[12:16])) == d.current.IPv4.Local {
			packets = append(packets, p)
		}
	}
	d.queued = nil
	return packets
}

var _ pppoe.HostNetwork = (*Network)(nil)

// Open opens the device for a session.
func (d *Network) Open(pppoe.SessionInfo) (tun.Device, error) {
	if err := d.device.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	l := &sessionDevice{Device: d.device, network: d, ready: make(chan struct{}), closed: make(chan struct{})}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.session = l
	return l, nil
}

// Configure sets the addresses of a session. Without IPv4 the device keeps its IPv4 addresses and
// routes.
func (d *Network) Configure(_ pppoe.SessionInfo, _, want pppoe.Addressing) error {
	if !want.HasIPv4() {
		want.IPv4 = d.idleAddressing().IPv4
	}
	return d.configure(want)
}

// idleAddressing is the addressing between sessions: the last addresses are the likeliest to be
// assigned again.
func (d *Network) idleAddressing() pppoe.Addressing {
	d.mu.Lock()
	defer d.mu.Unlock()
	stand := d.placeholder
	if d.current.HasIPv4() {
		stand.IPv4 = ipcp.Agreement{Local: d.current.IPv4.Local, Remote: d.current.IPv4.Remote}
	}
	return stand
}

// Close removes what a session has configured, except its IPv4 addresses.
func (d *Network) Close(pppoe.SessionInfo, pppoe.Addressing) {
	d.mu.Lock()
	d.session = nil
	d.mu.Unlock()
	d.configure(d.idleAddressing()) // an error will show when the next session is configured
}

// Notify must be called with the session's events: packets wait in the device until the session is
// configured.
func (d *Network) Notify(_ pppoe.SessionInfo, event pppoe.Event) {
	if _, ok := event.(pppoe.Configured); !ok {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session != nil {
		d.session.readyOnce.Do(func() { close(d.session.ready) })
	}
}
