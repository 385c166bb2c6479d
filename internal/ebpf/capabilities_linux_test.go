package ebpf

import (
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/vlan"
	"upppoe/tun"
)

// TestNetAdminSuffices: once an engine is open, CAP_NET_ADMIN is sufficient, with TCX and without.
func TestNetAdminSuffices(t *testing.T) {
	for _, noTCX := range []bool{false, true} {
		s := newNetwork(t, withoutTimer, func(_ *station, cfg *Config) { cfg.noTCX = noTCX })
		here := s.ends[0]
		here.do(func() error {
			if err := keepNetAdmin(); err != nil {
				return err
			}
			line := here.at.Link(vlan.Stack{}, 0)
			for id := range uint16(3) {
				device, err := tun.Open(tun.Config{Name: "few0"})
				if err != nil {
					return err
				}
				s, err := line.Add(sessionConfig(id, addrs[0], addrs[1], device))
				if err != nil {
					t.Errorf("without TCX %v, session %d: %v", noTCX, id, err)
				}
				s.SetFamilies(true, true)
				s.Remove()
				device.Close()
			}
			here.engine.mu.Lock()
			for _, l := range here.at.pairs() {
				if err := l.create(here.at); err != nil {
					t.Errorf("without TCX %v: no pair for %s: %v", noTCX, l.text.packets, err)
				}
			}
			here.engine.mu.Unlock()
			return here.engine.Close()
		})
		if n := attached(t, here, "few0"); n != 0 {
			t.Errorf("without TCX %v: after Close %d programs are attached", noTCX, n)
		}
	}
}

// keepNetAdmin drops all capabilities of the thread except CAP_NET_ADMIN.
func keepNetAdmin() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{{Effective: 1 << unix.CAP_NET_ADMIN, Permitted: 1 << unix.CAP_NET_ADMIN}}
	return unix.Capset(&header, &data[0])
}
