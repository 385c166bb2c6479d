package ebpf

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"upppoe/internal/roottest"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
)

// openPinned opens an engine with pins and the Ethernet interface at a station.
func (e *station) openPinned(t *testing.T, cfg Config) (engine *Engine, at *Interface, log *strings.Builder) {
	t.Helper()
	log = &strings.Builder{}
	cfg.Notify = func(text string) { log.WriteString(text + "\n") }
	if cfg.Sessions == 0 {
		cfg.Sessions = 64
	}
	e.do(func() (err error) {
		engine, at, err = openAttached(cfg)
		return err
	})
	t.Cleanup(func() { engine.Close() })
	return engine, at, log
}

// pinnedStation returns a station with an Ethernet interface, and a directory for pins.
func pinnedStation(t *testing.T) (e *station, dir string) {
	t.Helper()
	s := newNetwork(t)
	if !haveTCX(t) {
		roottest.SkipMissing(t, "this kernel has no TCX (Linux 6.6): nothing is pinned")
	}
	s.ends[0].engine.Close()
	return s.ends[0], filepath.Join(bpfMount(t), "upppoe", "test")
}

// installOnLo installs a session of the shared device lo.
func installOnLo(at *Interface, id uint16) (*session, error) {
	s := at.Link(vlan.Stack{}, 0).newSession(sessionConfig(id, addrs[0], addrs[1], nil))
	at.engine.mu.Lock()
	defer at.engine.mu.Unlock()
	return s, s.install("lo", true)
}

// leave adds a session of the shared device lo, and leaves it.
func (e *station) leave(t *testing.T, cfg Config) (s *session) {
	t.Helper()
	engine, at, _ := e.openPinned(t, cfg)
	e.do(func() (err error) {
		s, err = installOnLo(at, 1)
		return err
	})
	rate := datapath.Rate{Bits: 1_000_000}
	s.SetRates(rate, rate)
	s.bucket(ratesUp).fullAt.Store(77)
	check(t, engine.Leave())
	return s
}

// TestPinsAreOwned: while a process has the pins, another works without; Close leaves nothing.
func TestPinsAreOwned(t *testing.T) {
	e, dir := pinnedStation(t)
	first, _, _ := e.openPinned(t, Config{Pin: dir})
	second, _, log := e.openPinned(t, Config{Pin: dir})
	if !first.IsPinned() || second.IsPinned() || !strings.Contains(log.String(), "packets are lost while no program runs: "+dir+": another program uses it") {
		t.Errorf("pinned %v, %v: %s", first.IsPinned(), second.IsPinned(), log)
	}
	second.Close()
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("after Close: %v", err)
	}
	if n := attached(t, e, "none0"); n != 0 {
		t.Errorf("%d programs are left", n)
	}
}

// TestPinsUnavailable: without a BPF file system the engine works, and says what is lost.
func TestPinsUnavailable(t *testing.T) {
	e, dir := pinnedStation(t)
	for _, c := range []Config{{Pin: t.TempDir()}, {Pin: "/proc/upppoe"}, {Pin: dir, noTCX: true}} {
		engine, _, log := e.openPinned(t, c)
		if engine.IsPinned() || !strings.Contains(log.String(), "not pinned") {
			t.Errorf("%s: pinned %v: %s", c.Pin, engine.IsPinned(), log)
		}
		engine.Close()
	}
}

// TestOtherPins: what has another layout, or other sizes, is removed, as is all by Clean.
func TestOtherPins(t *testing.T) {
	e, dir := pinnedStation(t)
	e.leave(t, Config{Pin: dir})
	old := filepath.Join(dir, "layout0-1")
	check(t, os.Mkdir(old, 0o700))
	for _, c := range []struct {
		what  string
		cfg   Config
		found int
		log   string
	}{
		{"the same", Config{Pin: dir}, 1, ""},
		{"more sessions", Config{Pin: dir, Sessions: 65}, 0, "an earlier program has left maps of another layout or size, which are removed"},
		{"clean", Config{Pin: dir, Sessions: 65, Clean: true}, 0, ""},
	} {
		engine, _, log := e.openPinned(t, c.cfg)
		found := 0
		for _, i := range engine.left.interfaces {
			found += len(i.keys)
		}
		if !engine.IsPinned() || found != c.found || !strings.Contains(log.String(), c.log) || c.log == "" && log.Len() > 0 {
			t.Errorf("%s: pinned %v, %d sessions: %s", c.what, engine.IsPinned(), found, log)
		}
		check(t, engine.Leave())
		c.cfg.Clean = true
		e.leave(t, c.cfg)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("another layout is left: %v", err)
	}
}

// TestRelease: a successor opens what is pinned before the predecessor has ended; if it fails, that goes on.
func TestRelease(t *testing.T) {
	e, dir := pinnedStation(t)
	first, _, _ := e.openPinned(t, Config{Pin: dir})
	first.Release()
	second, _, _ := e.openPinned(t, Config{Pin: dir})
	if !second.IsPinned() || first.Take() == nil {
		t.Errorf("the successor has pinned %v; both have it", second.IsPinned())
	}
	check(t, second.Leave())
	check(t, first.Take())
	first.Release()
	third, _, _ := e.openPinned(t, Config{Pin: dir})
	check(t, first.Close())
	if n := attached(t, e, "none0"); n != 1 || !third.IsPinned() {
		t.Errorf("after the predecessor has ended, %d programs are attached", n)
	}
}

// TestReleased: what is called of a released engine, or changes, changes nothing in the maps of its successor.
// After Take it is in the maps.
func TestReleased(t *testing.T) {
	e, dir := pinnedStation(t)
	install := func(at *Interface) (s *session) {
		e.do(func() (err error) {
			s, err = installOnLo(at, 1)
			return err
		})
		s.SetFamilies(true, false)
		return s
	}
	first, at, _ := e.openPinned(t, Config{Pin: dir})
	s := install(at)
	first.Release()
	next, nextAt, _ := e.openPinned(t, Config{Pin: dir})
	successor := install(nextAt)
	successor.SetMTU(1300)
	before, flags := mapsOf(t, s)
	if mtu := binary.NativeEndian.Uint16(before[sessionMTU:]); successor.slot != s.slot || mtu != 1300 {
		t.Fatalf("the successor's session has slot %d, the predecessor's %d; MTU %d", successor.slot, s.slot, mtu)
	}

	s.SetMTU(1200)
	at.assumeNoOffloads()
	first.deviceGone(s.device.index)
	if _, err := installOnLo(at, 2); !errors.Is(err, ErrReleased) || !errors.Is(err, datapath.ErrOffloadLater) {
		t.Errorf("another session: %v", err)
	}
	if value, now := mapsOf(t, s); value != before || now != flags {
		t.Errorf("the predecessor has changed the session from % x to % x, the interface from %#x to %#x", before, value, flags, now)
	}
	key, slot := s.receiveKey(), uint32(0)
	if err := at.received.Lookup(key[:], &slot); err != nil {
		t.Errorf("the predecessor has removed the session: %v", err)
	}

	check(t, next.Leave())
	check(t, first.Take())
	value, flags := mapsOf(t, s)
	if mtu := binary.NativeEndian.Uint16(value[sessionMTU:]); mtu != 1200 || flags != softwareGSO|softwareChecksum {
		t.Errorf("after Take the MTU is %d, the interface's flags are %#x", mtu, flags)
	}
	e.do(func() error {
		_, err := installOnLo(at, 2)
		return err
	})
}

// mapsOf returns the value of a session in the map, and the flags of its interface.
func mapsOf(t *testing.T, s *session) (value [sessionLen]byte, flags uint32) {
	t.Helper()
	m := &s.engine().maps
	check(t, m.sessions.Lookup(s.slot, &value))
	var its [interfaceLen]byte
	check(t, m.interfaces.Lookup(s.at.slot, &its))
	return value, binary.NativeEndian.Uint32(its[interfaceFlags:])
}

// TestSessionLeft: after Leave nothing that is done to a session changes what is left. Its token bucket stays
// until Sweep.
func TestSessionLeft(t *testing.T) {
	e, dir := pinnedStation(t)
	s := e.leave(t, Config{Pin: dir})
	s.SetRates(datapath.Rate{}, datapath.Rate{})
	s.Remove()
	next, _, _ := e.openPinned(t, Config{Pin: dir})
	check(t, next.rates.use())
	full := func() int64 { return next.rates.bucket(s.slot, ratesUp).fullAt.Load() }
	if full() != 77 {
		t.Errorf("the bucket is full at %d, want 77", full())
	}
	if n := next.Sweep(); n != 1 || full() != 0 || next.slots.inUse != 0 {
		t.Errorf("%d sessions were left; the bucket is full at %d; %d slots are in use", n, full(), next.slots.inUse)
	}
}

// TestDeadline: from the deadline on all packets of sessions are dropped and counted, in either direction.
func TestDeadline(t *testing.T) {
	for name, prepare := range map[string][]func(*station, *Config){"TC": nil, "XDP": {withExclusive}, "no TCX": {withoutTCX}} {
		t.Run(name, func(t *testing.T) {
			s := newNetwork(t, prepare...)
			here, there := s.session(1, vlan.Stack{}, 1492)
			ping := func(what string, answered bool) {
				t.Helper()
				if _, err := here.ns.Ping(there.ipv4, 1, 50*time.Millisecond); (err == nil) != answered {
					t.Errorf("%s: %v", what, err)
				}
			}
			ping("no deadline", true)
			here.engine.SetDeadline(time.Now().Add(time.Hour))
			ping("before the deadline", true)
			here.engine.SetDeadline(time.Now())
			ping("at the deadline", false)
			if c := here.kernel.Counters(); c.Dropped != 1 || c.SentPackets != 2 {
				t.Errorf("to the peer: %+v", c)
			}
			here.engine.SetDeadline(time.Time{})
			there.engine.SetDeadline(time.Unix(1, 0))
			ping("the peer's deadline", false)
			if c := there.kernel.Counters(); c.Dropped != 1 || c.ReceivedPackets != 2 {
				t.Errorf("from the peer: %+v", c)
			}
			there.engine.SetDeadline(time.Now().AddDate(1000, 0, 0))
			ping("a deadline far ahead", true)
		})
	}
}

// TestOtherProgramsLeft: what a process with other pins has left is reported, unless that runs.
func TestOtherProgramsLeft(t *testing.T) {
	e, dir := pinnedStation(t)
	other := filepath.Join(filepath.Dir(dir), "other")
	first, _, _ := e.openPinned(t, Config{Pin: other})
	second, _, log := e.openPinned(t, Config{Pin: dir})
	check(t, second.Leave())
	if log.Len() > 0 {
		t.Errorf("while it runs: %s", log)
	}
	check(t, first.Leave())
	third, _, log := e.openPinned(t, Config{Pin: dir})
	check(t, third.Close())
	if !strings.Contains(log.String(), "eth0: an earlier program, which had another store, has left sessions") || !strings.Contains(log.String(), other) || strings.Contains(log.String(), dir) {
		t.Errorf("when it has ended: %s", log)
	}
	index := strconv.Itoa(e.index(t))
	sh(t, e.ns, "ip", "link", "delete", ethernet)
	sh(t, e.ns, "ip", "link", "add", ethernet, "index", index, "type", "veth")
	fourth, _, log := e.openPinned(t, Config{Pin: dir})
	check(t, fourth.Close())
	if log.Len() > 0 {
		t.Errorf("when its interface has gone, and another one has its index: %s", log)
	}
}

// index returns that of the Ethernet interface.
func (e *station) index(t *testing.T) (index int) {
	t.Helper()
	e.do(func() error {
		i, err := net.InterfaceByName(ethernet)
		index = i.Index
		return err
	})
	return index
}

// TestRemovePins: what an earlier process has left is removed, unless another process has it.
func TestRemovePins(t *testing.T) {
	e, dir := pinnedStation(t)
	if err := RemovePins(dir); err != nil {
		t.Errorf("nothing is left: %v", err)
	}
	e.leave(t, Config{Pin: dir})
	engine, _, _ := e.openPinned(t, Config{Pin: dir})
	if err := RemovePins(dir); !errors.Is(err, errPinned) || !engine.IsPinned() {
		t.Errorf("another process has it: %v", err)
	}
	check(t, engine.Leave())
	check(t, RemovePins(dir))
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory: %v", err)
	}
	awaitTrue(t, "no program is attached", func() bool { return attached(t, e, "none0") == 0 }) // the kernel detaches a moment later
}
