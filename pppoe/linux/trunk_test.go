package linux

import (
	"testing"

	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/tun"
)

// TestTrunkKernel: the kernel carries the sessions of a trunk, of which two may differ in their
// VLAN only.
func TestTrunkKernel(t *testing.T) {
	for _, want := range []datapath.Kind{datapath.KindAuto, datapath.KindKernel} {
		p := open(t, want)
		p.Queues = 2
		var ports pppoe.Ports
		var devices []tun.Device
		err := p.ns.Do(func() (err error) {
			ports, err = p.OpenTrunk(afpacket.Trunk{Attachment: afpacket.Attachment{Interface: "eth0", DataPriority: 5}, VLANs: vlan.Any()})
			for range 3 {
				device, err := tun.Open(tun.Config{})
				if err != nil {
					return err
				}
				devices = append(devices, device)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, in := range []vlan.Stack{{}, {{TPID: vlan.CTag, VID: 7}}, {{TPID: vlan.STag, VID: 7}, {TPID: vlan.CTag, VID: 7}}} {
			c := datapath.SessionConfig{Device: devices[i]}
			c.VLAN, c.SessionID, c.Local, c.Peer[0] = in, 1, ports.Session.Addr(), 2
			err := p.ns.Do(func() error {
				_, err := ports.Offload.Add(c)
				return err
			})
			if err != nil {
				t.Errorf("%v: the session in %v: %v", want, in, err)
			}
			err = p.ns.Do(func() error {
				_, err := ports.Offload.Add(c)
				return err
			})
			if err == nil {
				t.Errorf("%v: the session in %v is added twice", want, in)
			}
		}
		ports.Close()
		for _, d := range devices {
			d.Close()
		}
	}
}

// TestTrunkUserSpace: without the kernel data path a trunk has no offload.
func TestTrunkUserSpace(t *testing.T) {
	for want, ports := range map[datapath.Kind]int{datapath.KindGSO: 2, datapath.KindPlain: 1} {
		p := open(t, want)
		p.Queues = 2
		err := p.ns.Do(func() error {
			all, err := p.OpenTrunk(afpacket.Trunk{Attachment: afpacket.Attachment{Interface: "eth0"}, VLANs: vlan.Any()})
			if err != nil {
				return err
			}
			defer all.Close()
			if all.Offload != nil || 1+len(all.Fanout) != ports {
				t.Errorf("%v: %d ports, offload %v", want, 1+len(all.Fanout), all.Offload)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
