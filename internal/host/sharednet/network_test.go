package sharednet

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"upppoe/internal/host/prefixroute"
	"upppoe/internal/host/sysctl"
	"upppoe/internal/roottest"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/test/lab/labtest"
	"upppoe/tun"
)

func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// config is a configuration with pools of both families, and its log.
func config() (Config, *bytes.Buffer) {
	log := &bytes.Buffer{}
	return Config{
		IPv4: netip.MustParseAddr("192.0.2.1"), Pools: prefixes("192.0.2.16/28", "192.0.2.32/32", "2001:db8:1::/48"),
		Log: slog.New(slog.NewTextHandler(log, nil)),
	}, log
}

// inNamespace runs a test in a network namespace of its own.
func inNamespace(t *testing.T, f func()) {
	t.Helper()
	roottest.Need(t, "ip")
	labtest.InNamespace(t, func() error { f(); return nil })
}

func open(t *testing.T, cfg Config) *Network {
	t.Helper()
	n, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// static are the routes that programs have added.
func static(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(run(t, "route", "show", "proto", "static") + " " + run(t, "-6", "route", "show", "proto", "static"))
}

// TestOpen: the device, its addresses, routes and sysctls; nothing of it remains.
func TestOpen(t *testing.T) {
	inNamespace(t, func() {
		before := run(t, "-details", "address") + run(t, "route", "show", "table", "all")
		for _, path := range []datapath.Kind{datapath.KindAuto, datapath.KindPlain} {
			cfg, log := config()
			cfg.DataPath, cfg.Queues, cfg.IPv6 = path, 3, netip.MustParseAddr("2001:db8::1")
			n := open(t, cfg)
			link := run(t, "-details", "link", "show", "pppoe0")
			for _, want := range []string{"mtu 1492", "POINTOPOINT", ",UP", "link/ppp"} {
				if !strings.Contains(link, want) {
					t.Errorf("%v: %s: want %s", path, link, want)
				}
			}
			if q, ok := n.Device().(tun.MultiQueue); ok != (path != datapath.KindPlain) || ok && len(q.Readers()) != 3 {
				t.Errorf("%v: %T has not 3 queues", path, n.Device())
			}
			addresses := run(t, "-oneline", "address", "show", "pppoe0")
			for _, want := range []string{"inet 192.0.2.1/32 scope global", "inet6 fe80::1/128 scope link", "inet6 2001:db8::1/128 scope global"} {
				if !strings.Contains(addresses, want) {
					t.Errorf("%v: %s: want %s", path, addresses, want)
				}
			}
			const routes = "192.0.2.16/28 dev pppoe0 scope link src 192.0.2.1 192.0.2.32 dev pppoe0 scope link src 192.0.2.1 2001:db8:1::/48 dev pppoe0 metric 1024 pref medium"
			if got := static(t); got != routes {
				t.Errorf("%v: routes\n%s, want\n%s", path, got, routes)
			}
			for name, want := range map[string]string{"accept_local": "1", "send_redirects": "0", "rp_filter": "0"} {
				if got := sysctl.Read4("pppoe0", name); got != want {
					t.Errorf("%v: %s is %q, want %s", path, name, got, want)
				}
			}
			if sysctl.AcceptsRA("pppoe0") {
				t.Error("router advertisements are accepted")
			}
			if v4, v6 := n.ICMPSources(); v4 != cfg.IPv4 || v6 != cfg.IPv6 {
				t.Errorf("errors come from %v and %v", v4, v6)
			}
			if text := log.String(); !strings.Contains(text, "net.ipv4.ip_forward=1") || !strings.Contains(text, "net.ipv6.conf.all.forwarding=1") {
				t.Errorf("no warning that forwarding is disabled: %s", text)
			}
			n.Device().Close()
			n.Close()
			if after := run(t, "-details", "address") + run(t, "route", "show", "table", "all"); after != before {
				t.Errorf("%v: left behind:\n%s", path, after)
			}
		}
	})
}

// TestSysctls: a strict filter of all devices is weakened to the loose one, and a machine that forwards
// gets no warning.
func TestSysctls(t *testing.T) {
	inNamespace(t, func() {
		for file, value := range map[string]string{"ipv4/conf/all/rp_filter": "1", "ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1"} {
			if err := os.WriteFile("/proc/sys/net/"+file, []byte(value), 0); err != nil {
				t.Fatal(err)
			}
		}
		cfg, log := config()
		cfg.Name = "bng0"
		n := open(t, cfg)
		defer n.Close()
		defer n.Device().Close()
		if got := sysctl.Read4("bng0", "rp_filter"); got != looseFilter || log.Len() > 0 {
			t.Errorf("rp_filter is %s; logged: %s", got, log)
		}
	})
}

// TestNameTaken: the error says who has the name and what to do.
func TestNameTaken(t *testing.T) {
	inNamespace(t, func() {
		cfg, _ := config()
		n := open(t, cfg)
		defer n.Close()
		defer n.Device().Close()
		run(t, "link", "add", "lan0", "type", "bridge")
		for name, want := range map[string]string{
			"pppoe0": "process " + pid() + " (", "lan0": "it is a bridge interface: `ip link delete lan0` removes it",
		} {
			cfg.Name = name
			if _, err := Open(cfg); !errors.Is(err, tun.ErrNameTaken) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
	})
}

// TestNameFreed: a device that is removed in a moment, as that of a program that was killed, is no obstacle.
func TestNameFreed(t *testing.T) {
	inNamespace(t, func() {
		cfg, _ := config()
		cfg.Name = "bng0"
		earlier, err := tun.Open(tun.Config{Name: cfg.Name})
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(20*time.Millisecond, func() { earlier.Close() })
		n := open(t, cfg)
		n.Device().Close()
		n.Close()
	})
}

// TestPoolTaken: a pool that another device has a route to is an error that names both, and the
// device does not remain.
func TestPoolTaken(t *testing.T) {
	inNamespace(t, func() {
		run(t, "link", "add", "lan0", "type", "veth", "peer", "lan1")
		run(t, "link", "set", "lan0", "up")
		run(t, "address", "add", "192.0.2.17/28", "dev", "lan0")
		cfg, _ := config()
		_, err := Open(cfg)
		if !errors.Is(err, prefixroute.ErrTaken) || !strings.Contains(err.Error(), "pppoe0: pool: 192.0.2.16/28 is already routed to lan0") {
			t.Errorf("%v", err)
		}
		if links := run(t, "link"); strings.Contains(links, "pppoe0") {
			t.Errorf("left behind: %s", links)
		}
	})
}

// TestICMPv6Source: without a configured address, errors come from a global address of the machine, or
// else from the link-local one.
func TestICMPv6Source(t *testing.T) {
	inNamespace(t, func() {
		run(t, "link", "add", "lan0", "type", "veth", "peer", "lan1")
		for _, c := range []struct{ address, want string }{{"", "fe80::1"}, {"fd00::1/64", "fd00::1"}, {"2001:db8:ff::1/64", "2001:db8:ff::1"}} {
			if c.address != "" {
				run(t, "address", "add", c.address, "dev", "lan0", "nodad")
			}
			cfg, _ := config()
			n := open(t, cfg)
			if _, got := n.ICMPSources(); got.String() != c.want {
				t.Errorf("with %q: %v, want %s", c.address, got, c.want)
			}
			n.Device().Close()
			n.Close()
		}
	})
}

// TestWithoutIPv6: a machine without IPv6 is an error if there is a pool for it.
func TestWithoutIPv6(t *testing.T) {
	inNamespace(t, func() {
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
		cfg, log := config()
		if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "disable_ipv6") {
			t.Errorf("with a pool: %v", err)
		}
		cfg.Pools = cfg.Pools[:2]
		n := open(t, cfg)
		defer n.Close()
		defer n.Device().Close()
		if _, v6 := n.ICMPSources(); v6.IsValid() || !strings.Contains(log.String(), "no IPv6") {
			t.Errorf("without a pool: errors come from %v; logged: %s", v6, log)
		}
	})
}

// TestPersistentDevice: a persistent device is used, and remains as it was.
func TestPersistentDevice(t *testing.T) {
	inNamespace(t, func() {
		run(t, "tuntap", "add", "pppoe0", "mode", "tun", "multi_queue")
		run(t, "link", "set", "pppoe0", "mtu", "1400")
		state := func() string {
			link, _, _ := strings.Cut(run(t, "link", "show", "pppoe0"), " qdisc")
			return link + run(t, "-oneline", "address", "show", "pppoe0")
		}
		before := state()
		cfg, _ := config()
		n := open(t, cfg)
		n.SetRoutes(pppoe.SessionInfo{}, nil, prefixes("198.51.100.0/29"))
		n.routes.worker.Wait()
		if got := static(t); !strings.Contains(got, "192.0.2.16/28 dev pppoe0") || !strings.Contains(got, "198.51.100.0/29 dev pppoe0") {
			t.Errorf("routes: %s", got)
		}
		n.Device().Close()
		n.Close()
		if after := state(); after != before {
			t.Errorf("the device was\n%s, and is\n%s", before, after)
		}
		if got := static(t); got != "" {
			t.Errorf("routes are left: %s", got)
		}
	})
}

// TestTableAndVRF: the routes are in a table of their own; a VRF that does not exist is an error.
func TestTableAndVRF(t *testing.T) {
	inNamespace(t, func() {
		for _, c := range []struct {
			vrf   string
			table int
			want  string
		}{{"", 77, ""}, {"red", 0, "VRF red does not exist"}, {"lo", 0, "VRF lo does not exist: lo is not a VRF"}} {
			cfg, _ := config()
			cfg.VRF, cfg.Table = c.vrf, c.table
			n, err := Open(cfg)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%+v: %v", c, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := run(t, "route", "show", "table", "77"); !strings.Contains(got, "192.0.2.16/28 dev pppoe0") || static(t) != "" {
				t.Errorf("table 77: %s, main: %s", got, static(t))
			}
			n.Device().Close()
			n.Close()
		}
	})
}
