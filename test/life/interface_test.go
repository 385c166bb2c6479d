package life

import (
	"net"
	"testing"

	"github.com/vishvananda/netlink"

	"upppoe/internal/mgmt/status"
	"upppoe/test/lab"
)

// setAddress changes the Ethernet address of a machine's eth0 while it is up.
func setAddress(t testing.TB, in *lab.Namespace, address string) {
	t.Helper()
	check(t, in.Do(func() error {
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		mac, err := net.ParseMAC(address)
		if err != nil {
			return err
		}
		return netlink.LinkSetHardwareAddr(link, mac)
	}))
}

// TestInterfaceChanges: after any change of the Ethernet interface of either end the client is
// online again without waiting for echoes or a hold-off.
func TestInterfaceChanges(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *testbed, *lab.Program){
		"the server's address": func(t *testing.T, w *testbed, server *lab.Program) {
			setAddress(t, w.server, "02:00:5e:00:53:51")
			check(t, server.Await("Serving on eth0 again, as 02:00:5e:00:53:51"))
		},
		"the client's address": func(t *testing.T, w *testbed, server *lab.Program) {
			setAddress(t, w.client, "02:00:5e:00:53:52")
			check(t, server.Await("closed for client .*: hangup"))
		},
		"the server's interface is deleted, and comes back": func(t *testing.T, w *testbed, server *lab.Program) {
			removeEthernet(t, w.server)
			check(t, server.Await("Not serving on eth0"))
			w.plug(t, w.server, "server")
			check(t, server.Await("Serving on eth0 again"))
		},
		"the server's interface comes back before the switch forwards": func(t *testing.T, w *testbed, server *lab.Program) {
			removeEthernet(t, w.server)
			check(t, server.Await("Not serving on eth0"))
			check(t, lab.Veth(lab.End{In: w.testWire, Name: "server"}, lab.End{In: w.server, Name: "eth0"}))
			check(t, server.Await("Serving on eth0 again"))
			check(t, w.testWire.AddBridgePorts("br0", "server"))
		},
		"the server's interface is renamed, and gets its name back": func(t *testing.T, w *testbed, server *lab.Program) {
			rename := func(from, to string) {
				check(t, w.server.Do(func() error {
					link, err := netlink.LinkByName(from)
					if err != nil {
						return err
					}
					return netlink.LinkSetName(link, to)
				}))
			}
			rename("eth0", "eth9")
			check(t, server.Await("Not serving on eth0"))
			rename("eth9", "eth0")
			check(t, server.Await("Serving on eth0 again"))
		},
	} {
		t.Run(name, func(t *testing.T) { interfaceChange(t, change, nil, nil) })
		t.Run(name+", of a trunk", func(t *testing.T) {
			interfaceChange(t, change, []string{"--vlan", "untagged,50-60"}, []string{"vlan", "50"})
		})
	}
}

// interfaceChange makes a change while a client is online, with flags of the server and options of
// the client.
func interfaceChange(t *testing.T, change func(*testing.T, *testbed, *lab.Program), flags, options []string) {
	w := newSwitchedTestbed(t)
	server := w.serve(t, flags...)
	w.dial(t, append([]string{"persist", "holdoff", "600", "lcp-echo-interval", "0"}, options...)...)
	w.awaitOnline(t)
	change(t, w, server)
	w.awaitStatus(t, "the client is online again", func(s status.Status) bool { return isOnline(s) && s.Dials == 2 })
	_, err := w.client.Ping(ip("192.0.2.1"), 1, timeout)
	check(t, err)
	if code, err := server.Stop(); err != nil || code != 0 {
		t.Errorf("the server ended with %d: %v", code, err)
	}
}
