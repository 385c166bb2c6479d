package dialondemand

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/tun"
)

// device is one whose packets come from tests.
type device struct {
	mu       sync.Mutex
	packets  [][]byte
	deadline time.Time
	closed   bool
	broken   error         // error of Read
	changed  chan struct{} // closed at the next change
}

func newDevice() *device { return &device{changed: make(chan struct{})} }

func (d *device) change(how func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	how()
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *device) Name() string { return "ppp0" }

func (d *device) BatchSize() int { return 1 }

func (d *device) put(packets ...[]byte) {
	d.change(func() { d.packets = append(d.packets, packets...) })
}

func (d *device) SetReadDeadline(at time.Time) error {
	d.change(func() { d.deadline = at })
	return nil
}

func (d *device) Close() error {
	d.change(func() { d.closed = true })
	return nil
}

func (d *device) Write(packets [][]byte, headroom int) (int, error) { return len(packets), nil }

func (d *device) Read(bufs [][]byte, sizes []int, headroom int) (int, error) {
	for {
		d.mu.Lock()
		changed := d.changed
		switch {
		case d.closed:
			d.mu.Unlock()
			return 0, os.ErrClosed
		case !d.deadline.IsZero():
			d.mu.Unlock()
			return 0, os.ErrDeadlineExceeded
		case d.broken != nil:
			d.mu.Unlock()
			return 0, d.broken
		case len(d.packets) > 0:
			sizes[0] = copy(bufs[0][headroom:], d.packets[0])
			d.packets = d.packets[1:]
			d.mu.Unlock()
			return 1, nil
		}
		d.mu.Unlock()
		<-changed
	}
}

// fakeNetwork records how it is configured.
type fakeNetwork struct {
	device tun.Device
	fails  error
	is     pppoe.Addressing
	closed []pppoe.Addressing
}

func (n *fakeNetwork) Open(pppoe.SessionInfo) (tun.Device, error) { return n.device, nil }

func (n *fakeNetwork) Configure(l pppoe.SessionInfo, have, want pppoe.Addressing) error {
	if have != n.is || l.Device != "ppp0" {
		return errors.New("the addressing is not the configured one")
	}
	if n.fails == nil {
		n.is = want
	}
	return n.fails
}

func (n *fakeNetwork) Close(_ pppoe.SessionInfo, have pppoe.Addressing) {
	n.closed = append(n.closed, have)
}

func ipv4(from, to string) []byte {
	src, dst := netip.MustParseAddr(from).As4(), netip.MustParseAddr(to).As4()
	return slices.Concat([]byte{0x45, 11: 0}, src[:], dst[:])
}

func ipv6(from, to string) []byte {
	src, dst := netip.MustParseAddr(from).As16(), netip.MustParseAddr(to).As16()
	return slices.Concat([]byte{0x60, 7: 0}, src[:], dst[:])
}

var placeholder = PlaceholderAddressing(netip.Addr{}, netip.Addr{}, 1492)

func open(t *testing.T) (*Network, *fakeNetwork, *device) {
	t.Helper()
	d := newDevice()
	n := &fakeNetwork{device: d}
	h, err := New(n, pppoe.SessionInfo{Interface: "eth0"}, placeholder)
	if err != nil {
		t.Fatal(err)
	}
	return h, n, d
}

func session(local string) pppoe.Addressing {
	return pppoe.Addressing{MTU: 1400, IPv4: ipcp.Agreement{Local: netip.MustParseAddr(local), Remote: netip.MustParseAddr("192.0.2.1")}}
}

// dial opens and configures the network, as a client does.
func dial(t *testing.T, h *Network, a pppoe.Addressing) tun.Device {
	t.Helper()
	d, err := h.Open(pppoe.SessionInfo{})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Configure(pppoe.SessionInfo{}, pppoe.Addressing{}, a); err != nil {
		t.Fatal(err)
	}
	return d
}

// read returns the next packet of a device.
func read(t *testing.T, d tun.Device) ([]byte, error) {
	t.Helper()
	buf, size := make([]byte, 2000), []int{0}
	n, err := d.Read([][]byte{buf}, size, 10)
	if err != nil && n != 0 {
		t.Errorf("an error, and %d packets: %v", n, err)
	}
	if err != nil || n != 1 {
		return nil, err
	}
	return buf[10 : 10+size[0]], nil
}

func TestPlaceholderAddressing(t *testing.T) {
	if local, remote := placeholder.IPv4.Local.String(), placeholder.IPv4.Remote.String(); local != "10.112.112.112" || remote != "10.64.64.64" {
		t.Errorf("placeholders are %s and %s, want pppd's", local, remote)
	}
	known := PlaceholderAddressing(netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("192.0.2.8"), 1400)
	if known.MTU != 1400 || known.IPv4.Local.String() != "192.0.2.7" || known.IPv4.Remote.String() != "192.0.2.8" {
		t.Errorf("known addresses: %+v", known)
	}
}

// TestFirstPacketTriggersDial: what a host sends by itself does not; the first unicast packet
// does, and it is queued.
func TestFirstPacketTriggersDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, d := open(t)
		done := make(chan struct{})
		go func() { h.Wait(t.Context()); close(done) }()
		d.put(nil, []byte{0x45}, []byte{0x60, 0}, []byte{0x10, 60: 0},
			ipv4("10.112.112.112", "224.0.0.251"), ipv4("10.112.112.112", "239.255.255.250"),
			ipv6("fe80::1", "ff02::16"), ipv6("fe80::1", "fe80::2"))
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("packets that a host sends by itself trigger a dial")
		default:
		}
		d.put(ipv4("192.0.2.10", "198.51.100.1"))
		<-done
		if len(h.queued) != 1 {
			t.Errorf("%d packets are queued, want 1", len(h.queued))
		}
	})
}

// TestTriggersDialBounds: destinations on both sides of each limit: multicast is 224.0.0.0/4, and
// the reserved addresses after it do not count either (RFC 5771, RFC 1112), except the broadcast
// address, which means neighbours; ff00::/8 (RFC 4291 section 2.7) and fe80::/10 (section 2.5.6)
// stay on the link.
func TestTriggersDialBounds(t *testing.T) {
	for to, want := range map[string]bool{
		"0.0.0.1": true, "127.0.0.1": true, "223.255.255.255": true, "224.0.0.0": false, "239.255.255.255": false,
		"240.0.0.0": false, "254.255.255.255": false, "255.0.0.0": true, "255.255.255.255": true,
		"::1": true, "2001:db8::1": true, "fe00::1": true, "fe7f:ffff::1": true, "fe80::": false, "fe81::1": false,
		"fe90::1": false, "fea0::1": false, "febf:ffff::1": false, "fec0::1": true, "feff::1": true, "ff00::": false, "ffff::1": false,
		"fd00::1": true, "fd80::1": true,
	} {
		var packet []byte
		shorter := 19 // octets: a truncated header
		if netip.MustParseAddr(to).Is4() {
			packet = ipv4("192.0.2.10", to)
		} else {
			packet, shorter = ipv6("2001:db8::1", to), 39
		}
		if triggersDial(packet) != want || triggersDial(packet[:shorter]) {
			t.Errorf("%s: %v, truncated %v; want %v", to, triggersDial(packet), triggersDial(packet[:shorter]), want)
		}
	}
}

// TestReadReturnsErrors: a session sees the device's errors, except the deadline that ends a Read
// when it is closed.
func TestReadReturnsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, d := open(t)
		dev := dial(t, h, session("192.0.2.10"))
		h.Notify(pppoe.SessionInfo{}, pppoe.Configured{})
		d.SetReadDeadline(time.Unix(1, 0))
		if _, err := read(t, dev); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a deadline that is not from Close: %v", err)
		}
		d.SetReadDeadline(time.Time{})
		broken := errors.New("input/output error")
		d.change(func() { d.broken = broken })
		if _, err := read(t, dev); !errors.Is(err, broken) {
			t.Errorf("the device fails: %v", err)
		}
		dev.Close()
		if _, err := read(t, dev); !errors.Is(err, os.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}

// TestWaitEndsWithContext: also if the context ended before.
func TestWaitEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, _ := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { h.Wait(ctx); close(done) }()
		synctest.Wait()
		cancel()
		<-done
		h.Wait(ctx)
		h.RemoveDevice()
		h.Wait(t.Context()) // its device has been removed
	})
}

// TestSession: packets wait until they can flow; queued ones come first, if the session can carry
// them.
func TestSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, n, d := open(t)
		if n.is != placeholder {
			t.Errorf("the device has %+v, want the placeholders", n.is)
		}
		first, lost, v6, later := ipv4("192.0.2.10", "198.51.100.1"), ipv4("10.112.112.112", "198.51.100.1"), ipv6("2001:db8::1", "2001:db8::2"), ipv4("192.0.2.10", "198.51.100.2")
		for _, packet := range [][]byte{lost, first, v6} {
			d.put(packet)
			h.Wait(t.Context())
		}
		dev := dial(t, h, session("192.0.2.10"))
		d.put(later)
		var got [][]byte
		done := make(chan error)
		go func() {
			for {
				packet, err := read(t, dev)
				if err != nil {
					done <- err
					return
				}
				got = append(got, packet)
			}
		}()
		synctest.Wait()
		if len(got) > 0 {
			t.Error("packets flow before there are addresses")
		}
		h.Notify(pppoe.SessionInfo{}, pppoe.DeviceOpened{})
		h.Notify(pppoe.SessionInfo{}, pppoe.Configured{})
		h.Notify(pppoe.SessionInfo{}, pppoe.Configured{})
		synctest.Wait()
		if want := [][]byte{first, v6, later}; !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("read %x, want %x", got, want)
		}
		dev.Close()
		if err := <-done; !errors.Is(err, os.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		if _, err := read(t, dev); !errors.Is(err, os.ErrClosed) {
			t.Errorf("closed, and read once more: %v", err)
		}
		dev.Close()
		if d.closed {
			t.Error("the session has closed the device")
		}
	})
}

// TestClosedBeforeReady: closing ends a Read of a session that failed.
func TestClosedBeforeReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, _ := open(t)
		dev, err := h.Open(pppoe.SessionInfo{})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { _, err := read(t, dev); done <- err }()
		synctest.Wait()
		dev.Close()
		if err := <-done; !errors.Is(err, os.ErrClosed) {
			t.Errorf("read: %v", err)
		}
	})
}

// TestBetweenSessions: after a session the device still has its addresses, and waits for traffic
// again.
func TestBetweenSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, n, d := open(t)
		a := session("192.0.2.10")
		a.IPv4.DNS[0] = netip.MustParseAddr("192.0.2.53")
		dev := dial(t, h, a)
		if n.is != a {
			t.Errorf("in the session: %+v, want %+v", n.is, a)
		}
		dev.Close()
		h.Close(pppoe.SessionInfo{}, a)
		want := pppoe.Addressing{MTU: 1492, IPv4: ipcp.Agreement{Local: a.IPv4.Local, Remote: a.IPv4.Remote}}
		if n.is != want {
			t.Errorf("between sessions: %+v, want %+v", n.is, want)
		}
		done := make(chan struct{})
		go func() { h.Wait(t.Context()); close(done) }()
		synctest.Wait()
		select {
		case <-done:
			t.Error("it dials, though nothing was sent")
		default:
		}
		d.put(ipv4("192.0.2.10", "198.51.100.1"))
		<-done

		// IPv6 comes up first: IPv4 stays as it is.
		only6 := pppoe.Addressing{MTU: 1400, IPv6: ipv6cp.Agreement{Local: ipv6cp.ID{7: 1}, Remote: ipv6cp.ID{7: 2}}}
		dial(t, h, only6)
		if n.is.IPv4 != want.IPv4 || n.is.IPv6 != only6.IPv6 {
			t.Errorf("with IPv6 alone: %+v", n.is)
		}
		h.RemoveDevice()
		if !d.closed || len(n.closed) != 1 || n.closed[0] != n.is {
			t.Errorf("in the end: closed %v, network closed with %+v", d.closed, n.closed)
		}
	})
}

// TestQueueIsBounded: the queue does not grow while there is no session.
func TestQueueIsBounded(t *testing.T) {
	h, _, d := open(t)
	for range 3 * maxQueued {
		d.put(ipv4("192.0.2.10", "198.51.100.1"))
		h.Wait(t.Context())
	}
	if len(h.queued) != 16 {
		t.Errorf("%d packets are queued, want 16", len(h.queued))
	}
}

// TestNew: an error leaves nothing behind.
func TestNew(t *testing.T) {
	d := newDevice()
	n := &fakeNetwork{device: struct{ tun.Device }{d}}
	if _, err := New(n, pppoe.SessionInfo{}, placeholder); err == nil || !d.closed || len(n.closed) != 1 {
		t.Errorf("a device without deadlines: %v, closed %v and %d times", err, d.closed, len(n.closed))
	}
	d, wrong := newDevice(), errors.New("no permission")
	n = &fakeNetwork{device: d, fails: wrong}
	if _, err := New(n, pppoe.SessionInfo{}, placeholder); !errors.Is(err, wrong) || !d.closed || len(n.closed) != 1 {
		t.Errorf("addresses refused: %v, closed %v and %d times", err, d.closed, len(n.closed))
	}
}
