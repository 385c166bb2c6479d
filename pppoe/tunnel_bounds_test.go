package pppoe

import (
	"crypto/rand"
	"net/netip"
	"testing"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// waitingTunnel is a session whose PPP has yet to begin, in a loop without goroutines.
func waitingTunnel() (*loop, *tunnel) {
	port := noPort{}
	l := newLoop("eth0", Ports{Discovery: port, Session: port}, nil, datapath.KindPlain, nil, false)
	l.owner = bystander{}
	return l, l.begin(SessionInfo{SessionID: 7, Peer: hostAddr}, &session.Config{Rand: rand.Reader}, Limits{})
}

// TestEarlyFrames: four frames wait for PPP to begin, and no more.
func TestEarlyFrames(t *testing.T) {
	l, s := waitingTunnel()
	for i, want := range []int{1, 2, 3, 4, 4, 4} {
		l.receiveSession(epoch, wire.AppendSessionFrame(nil, acAddr, hostAddr, 7, []byte{0xc0, 0x21, 9, byte(i), 0, 8, 0, 0, 0, 0}))
		if len(s.early) != want || !s.waiting {
			t.Errorf("of %d frames %d wait, want %d", i+1, len(s.early), want)
		}
	}
	if l.up(epoch, s); s.waiting || len(s.early) != 0 {
		t.Errorf("PPP has begun, and %d frames still wait", len(s.early))
	}
}

// TestUpAfter: PPP begins at once without a delay, or if the peer has begun; else after the delay.
func TestUpAfter(t *testing.T) {
	for _, c := range []struct {
		delay time.Duration
		early bool
		waits bool
	}{{-1, false, false}, {0, false, false}, {time.Second, false, true}, {time.Second, true, false}} {
		l, s := waitingTunnel()
		if c.early {
			l.receiveSession(epoch, wire.AppendSessionFrame(nil, acAddr, hostAddr, 7, []byte{0xc0, 0x21, 9, 1, 0, 8, 0, 0, 0, 0}))
		}
		if l.upAfter(epoch, s, c.delay); s.waiting != c.waits {
			t.Errorf("%+v: it waits: %v", c, s.waiting)
		}
		if l.advanceTunnel(epoch.Add(time.Second-1), s); s.waiting != c.waits {
			t.Errorf("%+v: just before the end of the delay it waits: %v", c, s.waiting)
		}
		if l.advanceTunnel(epoch.Add(time.Second), s); s.waiting {
			t.Errorf("%+v: it waits after the delay", c)
		}
	}
}

// TestKeptBounds: eight packets of a session are kept, and 4096 of all, of a family that is agreed
// on.
func TestKeptBounds(t *testing.T) {
	for _, c := range []struct {
		what     string
		protocol byte
		of, all  int
		want     bool
	}{
		{"the first", 0x21, 0, 0, true},
		{"of a family that is not agreed on", 0x57, 0, 0, false},
		{"the eighth of the session", 0x21, 7, 7, true},
		{"the ninth of the session", 0x21, 8, 8, false},
		{"the last of all", 0x21, 0, 4095, true},
		{"one too many of all", 0x21, 0, 4096, false},
	} {
		l, s := waitingTunnel()
		s.want.IPv4.Local = netip.MustParseAddr("192.0.2.1")
		s.kept, l.kept = make([][]byte, c.of), c.all
		if got := l.keep(s, []byte{0, c.protocol, 0x45}, []byte{1}); got != c.want || l.kept-c.all != len(s.kept)-c.of || got != (l.kept > c.all) {
			t.Errorf("%s: kept %v, now %d of %d", c.what, got, len(s.kept), l.kept)
		}
	}
}

// oneDevice is a Host that makes one device, and is that device.
type oneDevice struct {
	tun.Device
	closed, undone int
}

func (h *oneDevice) Open(SessionInfo) (tun.Device, error)           { return unread{h}, nil }
func (h *oneDevice) Configure(_ SessionInfo, _, _ Addressing) error { return nil }
func (h *oneDevice) Close(SessionInfo, Addressing)                  { h.undone++ }

// unread is the device of oneDevice.
type unread struct{ *oneDevice }

func (d unread) Close() error { d.closed++; return nil }

// fullPath is a Path that takes no tunnel.
type fullPath struct{ datapath.Path }

func (fullPath) Add(datapath.Session) error { return datapath.ErrSessionInUse }

// TestPathRefuses: a device that the path does not take is closed, and the session is told why.
func TestPathRefuses(t *testing.T) {
	h := &oneDevice{}
	f, is := newReconciler(h, fullPath{}, nil), &actual{}
	f.open(is, desired{})
	if h.closed != 1 || h.undone != 1 || is.err != datapath.ErrSessionInUse || is.device != "" {
		t.Errorf("the device was closed %d times, the host has undone its part %d times; the session has %+v", h.closed, h.undone, is)
	}
}
