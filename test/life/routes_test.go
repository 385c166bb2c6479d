package life

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/mgmt/status"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// addOtherDefaultRoute gives the client another interface, with a default route.
func (w *testbed) addOtherDefaultRoute(t testing.TB, metric string) {
	t.Helper()
	check(t, lab.Veth(lab.End{In: w.client, Name: "eth1"}, lab.End{In: labtest.Namespace(t), Name: "eth0"}))
	check(t, w.client.Address("eth1", "198.51.100.2/24"))
	w.awaitUp(t, "eth0", "eth1")
	w.ip(t, "route", "add", "default", "via", "198.51.100.1", "dev", "eth1", "metric", metric, "proto", "static", "src", "198.51.100.2")
}

// awaitUp waits until interfaces of the client are up for the kernel, too, which notices the carrier a while after it
// was there. Until then it shows them and their routes as down.
func (w *testbed) awaitUp(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		await(t, name+" is up", func() (is bool) {
			check(t, w.client.Do(func() error {
				link, err := netlink.LinkByName(name)
				if err == nil {
					is = link.Attrs().OperState == netlink.OperUp
				}
				return err
			}))
			return is
		})
	}
}

// ip runs ip(8) on the client's machine.
func (w *testbed) ip(t testing.TB, args ...string) string {
	t.Helper()
	out, err := w.client.Run("ip", args...)
	if err != nil {
		t.Fatalf("ip %v: %v: %s", args, err, out)
	}
	return out
}

// defaultRoutes returns the default routes of a table, as ip(8) shows them, without its extra space
// and the flag linkdown: the kernel sets and clears it up to a second after a TUN interface has lost
// or got its carrier, that is, after a client was killed or has taken over the interface.
func (w *testbed) defaultRoutes(t testing.TB, args ...string) string {
	t.Helper()
	return words(strings.ReplaceAll(w.ip(t, append(args, "route", "show", "default")...), " linkdown", ""))
}

// checkDefaultRoutes compares the IPv4 default routes with those wanted.
func (w *testbed) checkDefaultRoutes(t testing.TB, when, want string) {
	t.Helper()
	if got := w.defaultRoutes(t); got != want {
		t.Errorf("%s, the routes are %q, want %q", when, got, want)
	}
}

// newRoutedTestbed makes a testbed with a server and another default route of the client, which it
// returns too.
func newRoutedTestbed(t testing.TB) (w *testbed, before string) {
	t.Helper()
	w = newTestbed(t)
	w.serve(t)
	w.addOtherDefaultRoute(t, "100")
	return w, w.defaultRoutes(t)
}

// otherDefaultRoute is the route of addOtherDefaultRoute.
func otherDefaultRoute(metric string) string {
	s := "default via 198.51.100.1 dev eth1 proto static src 198.51.100.2"
	if metric != "0" {
		s += " metric " + metric
	}
	return s
}

// sessionDefaultRoute is the default route that the client sets, without a metric.
const sessionDefaultRoute = "default dev ppp0 scope link"

// words trims the space that ip(8) prints.
func words(s string) string { return strings.Join(strings.Fields(s), " ") }

// TestDefaultRoute: each option on a machine with a default route and on one without; at the end
// the routes are as before.
func TestDefaultRoute(t *testing.T) {
	for name, c := range map[string]struct {
		options string
		before  string // metric of the existing route; empty: none
		want    string
	}{
		"none there":                {"defaultroute", "", sessionDefaultRoute},
		"one there":                 {"defaultroute", "0", otherDefaultRoute("0")},
		"none wanted":               {"nodefaultroute", "", ""},
		"replaced":                  {"defaultroute replacedefaultroute", "0", sessionDefaultRoute},
		"replaced, worse":           {"defaultroute replacedefaultroute", "100", sessionDefaultRoute},
		"nothing to replace":        {"defaultroute replacedefaultroute", "", sessionDefaultRoute},
		"metric":                    {"defaultroute defaultroute-metric 50", "", sessionDefaultRoute + " metric 50"},
		"metric, with a better one": {"defaultroute defaultroute-metric 50", "0", otherDefaultRoute("0") + " " + sessionDefaultRoute + " metric 50"},
		"metric, the same":          {"defaultroute defaultroute-metric 50", "50", otherDefaultRoute("50")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestbed(t)
			w.serve(t)
			if c.before != "" {
				w.addOtherDefaultRoute(t, c.before)
			}
			before := w.defaultRoutes(t)
			p := w.dial(t, strings.Fields(c.options)...)
			w.awaitOnline(t)
			w.checkDefaultRoutes(t, "online", c.want)
			p.Stop()
			w.checkDefaultRoutes(t, "in the end", before)
		})
	}
}

// TestRouteAfterCrash: a default route that a killed client has replaced is restored at the end of
// the next client, whose own route is in effect while it is online.
func TestRouteAfterCrash(t *testing.T) {
	w, before := newRoutedTestbed(t)
	for range 2 {
		p := w.dial(t, "defaultroute", "replacedefaultroute")
		w.awaitOnline(t)
		w.checkDefaultRoutes(t, "online", sessionDefaultRoute)
		kill(t, p)
	}
	w.checkDefaultRoutes(t, "after kill -9, where the device stays", sessionDefaultRoute)
	p := w.dial(t, "defaultroute", "replacedefaultroute")
	w.awaitOnline(t)
	w.checkDefaultRoutes(t, "in the session that continues", sessionDefaultRoute)
	p.Stop()
	w.checkDefaultRoutes(t, "in the end", before)
	kill(t, w.dialOnline(t, "defaultroute", "replacedefaultroute"))
	p = w.dialOnline(t, "defaultroute", "replacedefaultroute", "no-adopt")
	w.checkDefaultRoutes(t, "in another session", sessionDefaultRoute)
	p.Stop()
	w.checkDefaultRoutes(t, "in the end of another session", before)
}

// TestTwoReplaceDefaultRoute: of two clients on one interface, each restores what it has replaced.
func TestTwoReplaceDefaultRoute(t *testing.T) {
	w, before := newRoutedTestbed(t)
	first := w.dial(t, "defaultroute", "replacedefaultroute", "unit", "0")
	w.awaitOnline(t)
	second := w.dial(t, "defaultroute", "replacedefaultroute", "unit", "1")
	await(t, "both are online", func() bool {
		all := w.status(t)
		return len(all) == 2 && isOnline(all[0]) && isOnline(all[1])
	})
	second.Stop()
	w.checkDefaultRoutes(t, "without the second", sessionDefaultRoute)
	kill(t, first)
	p := w.dial(t) // it replaces nothing, and restores the route
	w.awaitOnline(t)
	p.Stop()
	w.checkDefaultRoutes(t, "in the end", before)
}

// TestTable: routes of the session are only in the table given.
func TestTable(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	w.addOtherDefaultRoute(t, "0")
	before := words(w.ip(t, "route", "show"))
	p := w.dial(t, "defaultroute", "table", "77")
	w.awaitOnline(t)
	got := words(w.ip(t, "route", "show", "table", "77"))
	if !strings.Contains(got, "default dev ppp0") {
		t.Errorf("table 77 is %q", got)
	}
	w.checkDefaultRoutes(t, "in the main table", otherDefaultRoute("0"))
	p.Stop()
	if got := words(w.ip(t, "route", "show")); got != before {
		t.Errorf("in the end, the main table is %q, want %q", got, before)
	}
}

// addNamespace makes a network namespace that the client knows by a name.
func (w *testbed) addNamespace(t testing.TB, name string) (*lab.Namespace, lab.BindMount) {
	t.Helper()
	n := labtest.Namespace(t)
	handle := filepath.Join(t.TempDir(), name)
	check(t, os.WriteFile(handle, nil, 0o600))
	check(t, n.Do(func() error { return unix.Mount("/proc/thread-self/ns/net", handle, "", unix.MS_BIND, "") }))
	t.Cleanup(func() { unix.Unmount(handle, unix.MNT_DETACH) })
	w.write(t, "run/netns/"+name, "", 0o600)
	return n, lab.BindMount{Source: handle, Target: "/run/netns/" + name}
}

// TestNamespaces: two sessions with the same peer address coexist.
func TestNamespaces(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	var spaces []*lab.Namespace
	var programs []*lab.Program
	for _, name := range []string{"blue", "green"} {
		n, bind := w.addNamespace(t, name)
		args := append([]string{"eth0", "nodetach", "debug", "defaultroute", "replacedefaultroute", "ifname", "wan", "netns", name, "linkname", name}, account...)
		p := launch(t, w.client, w.command("pppoe-client", args...), append(w.binds(), bind)...)
		check(t, p.Await("remote IP address 192.0.2.1\n"))
		spaces, programs = append(spaces, n), append(programs, p)
	}
	for i, n := range spaces {
		_, err := n.Ping(ip("192.0.2.1"), i+1, timeout)
		check(t, err)
		out, err := n.Run("ip", "route", "show")
		want := "default dev wan scope link 192.0.2.1 dev wan proto kernel scope link src " + fmt.Sprintf("192.0.2.%d", 10+i)
		if got := words(out); err != nil || got != want {
			t.Errorf("routes %q, want %q: %v", got, want, err)
		}
	}
	if links := w.links(t); links["wan"] {
		t.Errorf("the client's own namespace has %v", links)
	}
	for i, p := range programs {
		if code, err := p.Stop(); code != 5 || err != nil {
			t.Errorf("it ended with %d, %v", code, err)
		}
		if out, _ := spaces[i].Run("ip", "link", "show", "wan"); !strings.Contains(out, "does not exist") {
			t.Errorf("the device is left: %s", out)
		}
	}
	w.leftNothing(t)
}

// TestNonexistentNamespace: a nonexistent namespace or VRF is reported before dialling.
func TestNonexistentNamespace(t *testing.T) {
	w := newTestbed(t)
	server := w.serve(t)
	for _, option := range []string{"netns", "vrf"} {
		r := w.run(t, "pppoe-client", append([]string{"eth0", "nodetach", option, "nosuch"}, account...)...)
		if r.code != 1 || !strings.Contains(r.stderr, "nosuch") {
			t.Errorf("%s: %+v", option, r)
		}
	}
	w.leftNothing(t)
	if log := server.Log(); strings.Contains(log, "PADI") || strings.Contains(log, "Session") {
		t.Errorf("the server was called: %s", log)
	}
}

// TestDefaultRoute6: the IPv6 default route and its metric.
func TestDefaultRoute6(t *testing.T) {
	for options, want := range map[string]string{
		"":                                     "",
		"defaultroute":                         "", // no router advertises itself
		"defaultroute6 nodefaultroute6":        "",
		"defaultroute6":                        "default dev ppp0 proto ra metric 1024 pref medium",
		"defaultroute6 defaultroute6-metric 5": "default dev ppp0 proto ra metric 5 pref medium",
	} {
		w := newTestbed(t)
		w.serve(t)
		p := w.dial(t, strings.Fields(options)...)
		w.awaitStatus(t, "both families are up", func(s status.Status) bool { return s.IPv4 != nil && s.IPv6 != nil })
		await(t, fmt.Sprintf("with %q, the default route is %q", options, want), func() bool { return w.defaultRoutes(t, "-6") == want })
		p.Stop()
		if got := w.defaultRoutes(t, "-6"); got != "" {
			t.Errorf("%q: in the end there is %q", options, got)
		}
	}
}

// TestNameServers: which file has the peer's name servers, by option, and the files at the end.
func TestNameServers(t *testing.T) {
	const ours, theirs = "nameserver 198.51.100.53\n", "nameserver 192.0.2.53\nnameserver 192.0.2.54\n"
	for options, c := range map[string]struct {
		resolv string // /etc/ppp/resolv.conf; empty: none
		system []string
	}{
		"":                        {"", []string{"198.51.100.53"}},
		"usepeerdns":              {theirs, []string{"198.51.100.53"}},
		"usepeerdns resolv none":  {theirs, []string{"198.51.100.53"}},
		"usepeerdns noresolvconf": {"", []string{"198.51.100.53"}},
		"usepeerdns resolv file":  {theirs, []string{"192.0.2.53", "192.0.2.54"}},
	} {
		t.Run(options, func(t *testing.T) {
			w := newTestbed(t)
			w.serverOptions(t, "require-chap\nms-dns 192.0.2.53\nms-dns 192.0.2.54\n")
			w.serve(t)
			p := w.dial(t, strings.Fields(options)...)
			w.awaitOnline(t)
			if has := w.has("etc/resolv.conf"); has != (c.resolv != "") || has && w.read("etc/resolv.conf") != c.resolv {
				t.Errorf("/etc/ppp/resolv.conf is there: %v, and holds %q", has, w.read("etc/resolv.conf"))
			}
			if got := servers(w.read("resolv.conf")); !slices.Equal(got, c.system) {
				t.Errorf("/etc/resolv.conf names %q, want %q", got, c.system)
			}
			p.Stop()
			w.leftNothing(t)
			if got := w.read("resolv.conf"); got != ours {
				t.Errorf("in the end, /etc/resolv.conf holds %q", got)
			}
		})
	}
}

// servers returns the name servers in a resolv.conf.
func servers(text string) (all []string) {
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "nameserver "); ok {
			all = append(all, name)
		}
	}
	return all
}

// TestNameServersAfterCrash: the system's name servers are restored at the end of the next client.
func TestNameServersAfterCrash(t *testing.T) {
	w := newTestbed(t)
	w.serverOptions(t, "require-chap\nms-dns 192.0.2.53\n")
	w.serve(t)
	p := w.dial(t, "usepeerdns", "resolv", "file")
	w.awaitOnline(t)
	kill(t, p)
	if got := servers(w.read("resolv.conf")); got[0] != "192.0.2.53" {
		t.Fatalf("nothing is tested: after kill -9, %q are named", got)
	}
	p = w.dial(t, "usepeerdns", "resolv", "file")
	w.awaitOnline(t)
	p.Stop()
	w.leftNothing(t)
}
