package afpacket_test

import (
	"testing"

	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/wire"
)

// TestShared: ports are shared with other sockets for session frames on the interface; not with
// each other, nor with sockets on other interfaces or of other ethertypes.
func TestShared(t *testing.T) {
	w := newWire(t)
	for _, sessions := range []int{1, 3} {
		var ports pppoe.Ports
		w.do(w.near, func() (err error) {
			ports, err = afpacket.OpenQueues(afpacket.Attachment{Interface: "near"}, sessions)
			return err
		})
		w.Cleanup(func() { ports.Close() })
		shared := func() (yes bool) {
			w.do(w.near, func() error { yes = ports.Shared(); return nil })
			return yes
		}
		w.port(w.near, "near", wire.EtherTypeDiscovery)
		w.port(w.far, "far", wire.EtherTypeSession)
		w.on(w.near, afpacket.Attachment{Interface: "near", VLAN: stack(t, "50")}, wire.EtherTypeSession)
		if shared() {
			t.Errorf("%d ports: not shared", sessions)
		}
		other := w.port(w.near, "near", wire.EtherTypeSession)
		if !shared() {
			t.Errorf("%d ports: not shared with another", sessions)
		}
		other.Close()
		if shared() {
			t.Errorf("%d ports: still shared with another, which is closed", sessions)
		}
		ports.Close()
	}
	w.do(w.near, func() error {
		ports, err := afpacket.OpenPorts(afpacket.Attachment{Interface: "near", VLAN: stack(t, "50")})
		if err != nil {
			return err
		}
		if ports.Shared != nil {
			t.Error("ports in a VLAN may be shared")
		}
		return ports.Close()
	})
}
