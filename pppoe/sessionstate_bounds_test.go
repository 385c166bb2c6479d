package pppoe

import (
	"crypto/rand"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

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

// TestDeviceQueueBounds: at most eight packets of a session, 1024 of one that is being adopted, and 4096 of all
// are queued, of an address family that is agreed on. PPP receives the others, unless the session is being adopted.
func TestDeviceQueueBounds(t *testing.T) {
	for _, c := range []struct {
		what            string
		protocol        byte
		adopted         *adoptedSession
		of, all         int
		queued, handled bool
	}{
		{"the first", 0x21, nil, 0, 0, true, true},
		{"of a family that is not agreed on", 0x57, nil, 0, 0, false, false},
		{"the eighth of the session", 0x21, nil, 7, 7, true, true},
		{"the ninth of the session", 0x21, nil, 8, 8, false, false},
		{"the last of all", 0x21, nil, 0, 4095, true, true},
		{"one too many of all", 0x21, nil, 0, 4096, false, false},
		{"of a family that the adopted session has not", 0x57, new(adoptedSession), 0, 0, false, false},
		{"the last of the adopted session", 0x21, new(adoptedSession), 1023, 1023, true, true},
		{"one too many of the adopted session", 0x21, new(adoptedSession), 1024, 1024, false, true},
		{"one too many of all, of the adopted session", 0x21, new(adoptedSession), 8, 4096, false, true},
		{"the ninth, as Adopted was emitted", 0x21, &adoptedSession{announced: true}, 8, 8, false, false},
	} {
		l, s := pendingSession()
		s.desired.IPv4.local = newAddress(addr4("192.0.2.1"))
		s.adopted = c.adopted
		l.deviceQueues[s], l.deviceQueued = make([][]byte, c.of), c.all
		handled := l.queueForDevice(s, []byte{0, c.protocol, 0x45}, []byte{1})
		queued := len(l.deviceQueues[s]) > c.of
		if handled != c.handled || queued != c.queued || l.deviceQueued-c.all != len(l.deviceQueues[s])-c.of {
			t.Errorf("%s: handled %v, queued %v, now %d of %d", c.what, handled, queued, len(l.deviceQueues[s]), l.deviceQueued)
		}
		if dropped := l.drops.read()[ErrQueueFull]; (dropped == 1) != (handled && !queued) {
			t.Errorf("%s: %d are counted as dropped", c.what, dropped)
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

// TestSessionStateSize: the runtime takes 576 octets for a session's record, not the next size that it has,
// 640. There are tens of thousands.
func TestSessionStateSize(t *testing.T) {
	const n = 10000
	var all [n]*sessionState
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range all {
		all[i] = new(sessionState)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / n; each >= 640 { // others may allocate a little meanwhile
		t.Errorf("the runtime takes %d octets for a session's record of %d", each, unsafe.Sizeof(*all[0]))
	}
}
