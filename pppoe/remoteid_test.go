package pppoe_test

import (
	"testing"
	"testing/synctest"

	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// TestInterfaceID: RFC 4291 appendix A, with its example.
func TestInterfaceID(t *testing.T) {
	for address, want := range map[string]string{
		"34:56:78:9a:bc:de": "fe80::3656:78ff:fe9a:bcde", "02:00:5e:00:53:01": "fe80::5eff:fe00:5301", "00:00:5e:00:53:01": "fe80::200:5eff:fe00:5301",
	} {
		a, err := wire.ParseAddr(address)
		if got := a.InterfaceID().LinkLocal().String(); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", address, got, err, want)
		}
	}
}

// TestRemoteIDByAddr: each side can assign the other the identifier of its Ethernet address.
func TestRemoteIDByAddr(t *testing.T) {
	for _, c := range []struct{ client, server bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			l.client.RemoteIDByAddr, l.server.RemoteIDByAddr = c.client, c.server
			l.startServer()
			l.startClient()
			synctest.Wait()
			got, _ := last[pppoe.Configured](&l.clientEvents)
			if is := got.IPv6.Remote == serverAddr.InterfaceID(); !got.HasIPv6() || is != c.client {
				t.Errorf("client %v: the server has %x", c.client, got.IPv6.Remote)
			}
			if is := got.IPv6.Local == clientAddr.InterfaceID(); is != c.server {
				t.Errorf("server %v: the client has %x", c.server, got.IPv6.Local)
			}
			l.stop()
		})
	}
}
