package scripts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/pppoe"
	"upppoe/tun"
)

// failingNetwork cannot open a device.
type failingNetwork struct{ pppoe.HostNetwork }

func (failingNetwork) Open(pppoe.SessionInfo) (tun.Device, error) { return nil, errNoDevice }

var errNoDevice = errors.New("no device")

// TestNoDevice: without a device no script runs.
func TestNoDevice(t *testing.T) {
	p := newTestDir(t)
	p.addLogging(t, NetInit, AuthUp)
	s := p.scripts(nil)
	named := unopened(info)
	named.User = "alice"
	if _, err := s.WrapNetwork(failingNetwork{}).Open(named); err != errNoDevice {
		t.Errorf("%v, want %v", err, errNoDevice)
	}
	s.Close()
	if _, err := os.Stat(filepath.Join(p.dir, "said")); !os.IsNotExist(err) {
		t.Errorf("ran: %s", p.said(t))
	}
}

// TestAuthUpOfKnownPeer: a server opens the device of a session after authentication: auth-up runs
// then.
func TestAuthUpOfKnownPeer(t *testing.T) {
	p := newTestDir(t)
	p.addLogging(t, NetInit, AuthUp)
	s := p.scripts(nil)
	named := unopened(info)
	named.User = "alice"
	if _, err := s.WrapNetwork(fakeNetwork{t, p}).Open(named); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if said := p.said(t); !strings.Contains(said, AuthUp) || !strings.Contains(said, NetInit) {
		t.Errorf("ran: %s", said)
	}
}

// fakeNetwork records in the test directory what it is called for.
type fakeNetwork struct {
	t *testing.T
	p *testDir
}

func (h fakeNetwork) say(what string) {
	f, err := os.OpenFile(filepath.Join(h.p.dir, "said"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		h.t.Error(err)
		return
	}
	defer f.Close()
	fmt.Fprintln(f, what)
}

type fakeDevice struct{ tun.Device }

func (fakeDevice) Name() string { return "ppp0" }

func (h fakeNetwork) Open(pppoe.SessionInfo) (tun.Device, error) {
	h.say("open")
	return fakeDevice{}, nil
}

func (h fakeNetwork) Configure(_ pppoe.SessionInfo, _, want pppoe.Addressing) error {
	h.say("configure")
	return nil
}

func (h fakeNetwork) Close(pppoe.SessionInfo, pppoe.Addressing) { h.say("close") }

// TestWrapNetwork: the host's network waits where pppd waits.
func TestWrapNetwork(t *testing.T) {
	p := newTestDir(t)
	for _, name := range []string{NetInit, NetPreUp, NetDown} {
		p.add(t, name, `echo "`+name+` $1 $4" >>%[1]s/said`)
	}
	s := p.scripts(nil)
	defer s.Close()
	h := s.WrapNetwork(fakeNetwork{t, p})
	if d, err := h.Open(pppoe.SessionInfo{}); err != nil || d.Name() != "ppp0" {
		t.Fatal(d, err)
	}
	only6 := pppoe.Addressing{MTU: 1492, IPv6: addressing.IPv6}
	h.Configure(info, pppoe.Addressing{}, only6)
	h.Configure(info, only6, addressing)
	h.Configure(info, addressing, only6)
	h.Close(info, only6)
	want := "open, net-init ppp0 param, net-pre-up ppp0 param, configure, configure, configure, close, net-down ppp0 param"
	if said := p.said(t); said != want {
		t.Errorf("did: %s\nwant: %s", said, want)
	}
}

// unopened returns a session before its device is open.
func unopened(l pppoe.SessionInfo) pppoe.SessionInfo {
	l.Device = ""
	return l
}

// TestAdoptedNetwork: no script runs when the network of an adopted session is taken over, and those of its
// later changes do.
func TestAdoptedNetwork(t *testing.T) {
	p := newTestDir(t)
	p.addLogging(t, NetInit, NetPreUp, NetDown)
	s := p.scripts(nil)
	h := s.WrapNetwork(fakeNetwork{t, p})
	if _, err := h.Open(info); err != nil {
		t.Fatal(err)
	}
	h.Configure(info, pppoe.Addressing{}, addressing)
	h.Configure(info, addressing, pppoe.Addressing{})
	h.Configure(info, pppoe.Addressing{}, addressing)
	h.Close(info, addressing)
	s.Close()
	if said := p.said(t); strings.Contains(said, NetInit) || strings.Count(said, NetPreUp) != 1 || strings.Count(said, NetDown) != 1 {
		t.Errorf("ran: %s", said)
	}
}
