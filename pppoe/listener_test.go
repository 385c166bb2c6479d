package pppoe

import (
	"testing"

	"upppoe/pppoe/discovery"
)

// TestListenerDevice: the Device of a listener defaults to its Interface.
func TestListenerDevice(t *testing.T) {
	s := &Server{cfg: ServerConfig{Concentrator: discovery.ConcentratorConfig{}}}
	for device, want := range map[string]string{"": "eth0.7", "eth0": "eth0"} {
		l := newRunningListener(s, Listener{Interface: "eth0.7", Device: device, Ports: Ports{Discovery: noPort{}, Session: noPort{}}}, 0)
		if l.Device != want {
			t.Errorf("Device %q: on %q, want %q", device, l.Device, want)
		}
	}
}
