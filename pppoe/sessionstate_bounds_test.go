package pppoe

import (
	"crypto/rand"
	"sync/atomic"
	"testing"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// pendingSession returns a session whose PPP has not begun, in a loop without goroutines.
func pendingSession() (*loop, *sessionState) {
	port := noPort{}
	l := newLoop("eth0", Ports{Discovery: port, Session: port}, nil, datapath.KindPlain, nil, false, new(atomic.Uint64))
	l.owner = nopOwner{}
	return l, l.addSession(SessionInfo{SessionID: 7, Peer: hostAddr}, &session.Config{Rand: rand.Reader}, session.Peer{}, &SessionLimits{})
}

// TestStartQueueBounds: at most four frames wait for PPP to begin.
func TestStartQueueBounds(t *testing.T) {
	l, s := pendingSession()
	for i, want := range []int{1, 2, 3, 4, 4, 4} {
		l.receiveSession(epoch, wire.AppendSessionFrame(nil, acAddr, hostAddr, 7, []byte{0xc0, 0x21, 9, byte(i), 0, 8, 0, 0, 0, 0}))
		if s.start == nil || len(s.start.queue) != want {
			t.Errorf("of %d frames %d wait, want %d", i+1, len(s.start.queue), want)
		}
	}
	if l.startPPP(epoch, s); s.start != nil {
		t.Errorf("PPP has begun, and %d frames still wait", len(s.start.queue))
	}
}

// TestStartPPPAfter: PPP begins at once without a delay, or if the peer has begun; else after the
// delay.
func TestStartPPPAfter(t *testing.T) {
	for _, c := range []struct {
		delay time.Duration
		early bool
		waits bool
	}{{-1, false, false}, {0, false, false}, {time.Second, false, true}, {time.Second, true, false}} {
		l, s := pendingSession()
		if c.early {
			l.receiveSession(epoch, wire.AppendSessionFrame(nil, acAddr, hostAddr, 7, []byte{0xc0, 0x21, 9, 1, 0, 8, 0, 0, 0, 0}))
		}
		if l.startPPPAfter(epoch, s, c.delay); (s.start != nil) != c.waits {
			t.Errorf("%+v: it waits: %v", c, s.start != nil)
		}
		if l.advanceSession(epoch.Add(time.Second-1), s); (s.start != nil) != c.waits {
			t.Errorf("%+v: just before the end of the delay it waits: %v", c, s.start != nil)
		}
		if l.advanceSession(epoch.Add(time.Second), s); s.start != nil {
			t.Errorf("%+v: it waits after the delay", c)
		}
	}
}

// TestDeviceQueueBounds: at most eight packets of a session and 4096 of all are queued, of an
// address family that is agreed on.
func TestDeviceQueueBounds(t *testing.T) {
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
		l, s := pendingSession()
		s.desired.IPv4.local = newAddress(addr4("192.0.2.1"))
		l.deviceQueues[s], l.deviceQueued = make([][]byte, c.of), c.all
		if got := l.queueForDevice(s, []byte{0, c.protocol, 0x45}, []byte{1}); got != c.want || l.deviceQueued-c.all != len(l.deviceQueues[s])-c.of || got != (l.deviceQueued > c.all) {
			t.Errorf("%s: kept %v, now %d of %d", c.what, got, len(l.deviceQueues[s]), l.deviceQueued)
		}
	}
}

// oneDevice is a HostNetwork that opens one device, and is that device.
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

// fullPath is a Path that accepts no session.
type fullPath struct{ datapath.Path }

func (fullPath) Add(datapath.SessionConfig) (datapath.Session, error) {
	return nil, datapath.ErrSessionInUse
}

// TestPathRejectsDevice: a device that the path does not accept is closed, and the session has the error.
func TestPathRejectsDevice(t *testing.T) {
	h := &oneDevice{}
	f, is := newReconciler(h, fullPath{}, nil), &actual{}
	f.open(is, SessionInfo{}, Addressing{})
	if h.closed != 1 || h.undone != 1 || is.err != datapath.ErrSessionInUse || is.device != "" {
		t.Errorf("the device was closed %d times, the host has undone its part %d times; the session has %+v", h.closed, h.undone, is)
	}
}
