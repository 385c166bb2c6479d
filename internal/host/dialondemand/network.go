// Package dialondemand has a network device before there is a session, so that what is sent
// into it can be the reason to dial (pppd's demand): the device, its addresses and
// routes stay from one session to the next.
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

// Device is what Host needs beside a tun.Device: a blocked Read returns, with
// os.ErrDeadlineExceeded, at a time that may be set while it waits. The zero time is
// never.
type Device interface {
	tun.Device
	SetReadDeadline(time.Time) error
}

// Addresses that pppd has on a device as long as nobody has said which (pppd(8),
// demand).
var (
	placeholderLocal  = netip.AddrFrom4([4]byte{10, 112, 112, 112})
	placeholderRemote = netip.AddrFrom4([4]byte{10, 64, 64, 64})
)

// PlaceholderAddressing are the addresses of a device without a session, as far as they are not
// known.
func PlaceholderAddressing(local, remote netip.Addr, mtu int) pppoe.Addressing {
	if !local.IsValid() {
		local = placeholderLocal
	}
	if !remote.IsValid() {
		remote = placeholderRemote
	}
	return pppoe.Addressing{MTU: mtu, IPv4: ipcp.Agreement{Local: local, Remote: remote}}
}

// Network is a pppoe.HostNetwork for one line, whose device is there all the time. Its methods
// may be called concurrently, but for Close.
type Network struct {
	inner       pppoe.HostNetwork
	info        pppoe.SessionInfo // the same for the host within, whatever the session
	placeholder pppoe.Addressing
	device      Device

	mu      sync.Mutex
	session *sessionDevice   // nil: there is no session
	current pppoe.Addressing // of the device now
	queued  [][]byte         // packets that are the reason to dial
}

// maxQueued bounds the packets that are kept until there is a session.
const maxQueued = 16

// New makes the device, with addresses that stand in for those of a session.
func New(h pppoe.HostNetwork, info pppoe.SessionInfo, placeholder pppoe.Addressing) (*Network, error) {
	made, err := h.Open(info)
	if err != nil {
		return nil, err
	}
	device, ok := made.(Device)
	if !ok {
		made.Close()
		h.Close(info, pppoe.Addressing{})
		return nil, errors.New("demand: this kind of device cannot be left and taken up again")
	}
	info.Device = device.Name()
	d := &Network{inner: h, info: info, placeholder: placeholder, device: device}
	if err := d.configure(placeholder); err != nil {
		d.RemoveDevice()
		return nil, err
	}
	return d, nil
}

// Device is the name of the device.
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

// Wait waits until something is sent into the device, which it keeps, or the context
// ends.
func (d *Network) Wait(ctx context.Context) {
	d.device.SetReadDeadline(time.Time{}) // the last session has left it in the past
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

// triggersDial reports whether a packet is somebody's wish to reach somebody: what a host says
// of itself when a device comes up (RFC 4861, RFC 3810, mDNS) would else dial at once.
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

// takeQueued returns the packets that were kept and that a session can carry: one that bears
// a source address which only stood in would never be answered.
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

// Open lends the device to a session.
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

// Configure gives the device the addresses of a session. Without IPv4 it keeps those it
// has, and its routes.
func (d *Network) Configure(_ pppoe.SessionInfo, _, want pppoe.Addressing) error {
	if !want.HasIPv4() {
		want.IPv4 = d.idleAddressing().IPv4
	}
	return d.configure(want)
}

// idleAddressing is what the device has then: the last addresses are the likeliest to
// come again.
func (d *Network) idleAddressing() pppoe.Addressing {
	d.mu.Lock()
	defer d.mu.Unlock()
	stand := d.placeholder
	if d.current.HasIPv4() {
		stand.IPv4 = ipcp.Agreement{Local: d.current.IPv4.Local, Remote: d.current.IPv4.Remote}
	}
	return stand
}

// Close takes away what a session has brought, but for the addresses.
func (d *Network) Close(pppoe.SessionInfo, pppoe.Addressing) {
	d.mu.Lock()
	d.session = nil
	d.mu.Unlock()
	d.configure(d.idleAddressing()) // the next session will tell what is wrong with it
}

// Notify is told what happens to the line: packets leave the device once they can
// flow, and wait in it until then.
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
