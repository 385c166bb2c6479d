package container

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/guest"
	"upppoe/test/lab"
)

// fullContainer is a container of the full image with a file of interfaces.
func fullContainer(t *testing.T, interfaces string, args ...string) spec {
	t.Helper()
	roottest.Need(t, ifupdown+"/sbin/ifup", "ip", "bash", "ping")
	return spec{
		Root: full.root, Debian: true, Caps: requiredCaps, TUN: true, Run: true,
		Args: full.command(args...),
		Env: append(full.env[:len(full.env):len(full.env)], "IFUPDOWN_NG_IFACES="+interfaces, "PPPOE_PASSWORD=testpassword",
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
	}
}

// wantExit waits for the end of a container, and checks its exit code and output.
func wantExit(t *testing.T, p *lab.Program, code int, says ...string) {
	t.Helper()
	got, err := p.Wait()
	if err != nil || got != code {
		t.Errorf("the container ended with %d, want %d: %v", got, code, err)
	}
	for _, words := range says {
		if !strings.Contains(p.Log(), words) {
			t.Errorf("the container did not say %q", words)
		}
	}
}

// TestFullInstallsPackages: the image installs the packages whose programs its files use; the tests
// take these programs from the host.
func TestFullInstallsPackages(t *testing.T) {
	want := []string{"ifupdown-ng", "ifupdown-ng-compat", "iproute2", "iputils-ping", "tcpdump"}
	if !slices.Equal(full.packages, want) {
		t.Errorf("the full image installs %v, want %v", full.packages, want)
	}
	info, err := os.Stat(filepath.Join(full.root, full.entrypoint[0]))
	if err != nil || info.Mode()&0o111 != 0o111 {
		t.Errorf("the entrypoint %s cannot be run: %v, %v", full.entrypoint[0], info, err)
	}
}

// TestFullMakesInterfaces: the interfaces of the image's examples exist when the command starts. On
// VLANs, a server answers that tags frames itself.
func TestFullMakesInterfaces(t *testing.T) {
	roottest.Need(t, ifupdown+"/sbin/ifup")
	bin, remove, err := guest.Build(repository, "./test/container")
	t.Cleanup(remove)
	check(t, err)
	if !guest.Inside() {
		check(t, os.Symlink(out, filepath.Join(bin, "out")))
	}
	kernels := guest.Kernels{Owner: t, Bin: bin}
	for _, c := range []struct {
		file  string
		kinds []string
		vlan  string // served by the server
		name  string
		shows []string // in the output of ip -d link
	}{
		{"vlan", []string{"veth", "vlan"}, "50", "eth0.50", []string{"mtu 1500", "vlan protocol 802.1Q id 50 "}},
		{"qinq", []string{"veth", "vlan"}, "50.100", "eth0.50.100", []string{"eth0.50.100@eth0.50:", "vlan protocol 802.1Q id 100 "}},
	} {
		t.Run(c.file, func(t *testing.T) {
			kernels.Run(t, c.kinds, func(t *testing.T) {
				near, far := hosts(t)
				serve(t, far, "--vlan", c.vlan)
				p := run(t, near, fullContainer(t, "/etc/network/interfaces."+c.file,
					"bash", "-c", "ip -d link show "+c.name+" && pppoe-discovery -I "+c.name+" -t 3"))
				wantExit(t, p, 0, append(c.shows, ",UP,LOWER_UP>", "Access-Concentrator: box\n")...)
			})
		})
	}
	t.Run("vxlan", func(t *testing.T) { kernels.Run(t, []string{"veth", "vxlan"}, testVXLANPair) })
}

// testVXLANPair connects two containers by a VXLAN, over which one dials to the other.
func testVXLANPair(t *testing.T) {
	near, far := hosts(t)
	check(t, near.Address("eth0", "172.255.100.1/16"))
	check(t, far.Address("eth0", "172.255.100.2/16"))
	server := fullContainer(t, "/etc/network/interfaces.vx_ptp2", "pppoe-server", "-I", "vx_ptp2", "-C", "overlay", "-F")
	server.Volumes = map[string]string{"etc/ppp": files(t, map[string]string{"pppoe-server-options": "noauth\n"})}
	check(t, run(t, far, server).Await("Serving on vx_ptp2"))
	p := run(t, near, fullContainer(t, "/etc/network/interfaces.vx_ptp1", "bash", "-c",
		`ip -d link show vx_ptp1; ping -c 1 192.168.255.2; pppd vx_ptp1 noauth updetach && ip link show ppp0`))
	wantExit(t, p, 0, "mtu 1450", "vxlan id 1 remote 172.255.100.2 dev eth0 ", "dstport 4789 ", "1 received", "mtu 1442")
}

// TestFullDials: interfaces.ppp with peers/default dials before the command starts, and ends the
// session on ifdown; the log is the container's.
func TestFullDials(t *testing.T) {
	near, far := hosts(t)
	server := serve(t, far)
	c := fullContainer(t, "/etc/network/interfaces.ppp", "bash", "-c",
		`ip address show dev ppp0; ping -c 1 `+serverLoopback+`; ifdown -afi "$IFUPDOWN_NG_IFACES"; ip link show dev ppp0 || echo it is gone`)
	c.Volumes = map[string]string{"etc/ppp/peers/default": peer(t, "user testuser\npassword testpassword\n")}
	p := run(t, near, c)
	wantExit(t, p, 0, "inet 192.0.2.10 peer 192.0.2.1/32", "1 received", "Plugin rp-pppoe.so loaded.\n", "sent [LCP ConfReq id=0x1",
		"Terminating on signal 15\n", "rcvd [LCP TermAck", "Sent PADT\n", "it is gone\n")
	check(t, server.Await("peer-terminated"))
}

// peer writes a file with the image's peers/default and more options.
func peer(t *testing.T, options string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(full.root, "etc/ppp/peers/default"))
	check(t, err)
	return filepath.Join(files(t, map[string]string{"default": string(text) + options}), "default")
}

// TestFullCommands: after the image's name comes a program of the image, or the interface and
// options of pppoe-client.
func TestFullCommands(t *testing.T) {
	near, far := hosts(t)
	serve(t, far)
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"pppd":       {[]string{"pppd", "call", "default", "nodetach", "maxfail", "1", "maxconnect", "1", "user", "testuser"}, 13, "remote IP address 192.0.2.1\n"},
		"discovery":  {[]string{"pppoe-discovery", "-I", "eth0", "-t", "3"}, 0, "Access-Concentrator: box\n"},
		"pon":        {[]string{"pon", "--help"}, 0, "usage: pon "},
		"an option":  {[]string{"--help"}, 0, "pppoe-client is a PPPoE client"},
		"interface":  {[]string{"eth0", "user", "testuser", "noauth", "maxconnect", "1"}, 13, "remote IP address 192.0.2.1\n"},
		"ip":         {[]string{"ip", "address", "show", "eth0"}, 0, "<BROADCAST,MULTICAST,UP,LOWER_UP>"},
		"no program": {[]string{"nothing"}, 7, "nothing: no such interface"},
	} {
		t.Run(name, func(t *testing.T) {
			wantExit(t, run(t, near, fullContainer(t, "/etc/network/interfaces", c.args...)), c.code, c.says)
		})
	}
}

// TestFullInterfaceErrors: a container whose interfaces cannot be made does not start.
func TestFullInterfaceErrors(t *testing.T) {
	near, _ := hosts(t)
	t.Run("no file", func(t *testing.T) {
		p := run(t, near, fullContainer(t, "/etc/network/interfaces.mine", "echo", "it began"))
		wantExit(t, p, 2, "IFUPDOWN_NG_IFACES: there is no file /etc/network/interfaces.mine; the image has /etc/network/interfaces.ppp ")
		if strings.Contains(p.Log(), "it began") {
			t.Error("the command began")
		}
	})
	t.Run("ifup fails", func(t *testing.T) {
		ifup := filepath.Join(t.TempDir(), "ifup")
		check(t, os.WriteFile(ifup, []byte("#!/bin/sh\necho ifup $* failed\nexit 1\n"), 0o755))
		c := fullContainer(t, "/etc/network/interfaces.ppp", "echo", "it began")
		c.Volumes = map[string]string{"usr/local/sbin/ifup": ifup}
		p := run(t, near, c)
		wantExit(t, p, 1, "ifup -a -i /etc/network/interfaces.ppp failed\n")
		if strings.Contains(p.Log(), "it began") {
			t.Error("the command began")
		}
	})
}

// TestFullMakesTUN: if the engine gives no /dev/net/tun but permits making it, the entrypoint does;
// otherwise the command runs without it.
func TestFullMakesTUN(t *testing.T) {
	near, _ := hosts(t)
	c := fullContainer(t, "/etc/network/interfaces", "bash", "-c", "true <> /dev/net/tun && stat -c %a /dev/net/tun")
	c.TUN, c.Caps = false, append(slices.Clone(requiredCaps), unix.CAP_MKNOD)
	wantExit(t, run(t, near, c), 0, "666\n")
	c.Args, c.Caps = full.command("bash", "-c", "test ! -e /dev/net/tun && echo there is none"), requiredCaps
	wantExit(t, run(t, near, c), 0, "there is none\n")
}

// TestFullRestart: a container that was killed and is started again has the same /run, but none of
// its interfaces.
func TestFullRestart(t *testing.T) {
	c := fullContainer(t, "/etc/network/interfaces", "bash", "-c", "ip address show dev eth0; exec sleep 60")
	c.Run, c.Volumes = false, map[string]string{
		"run":                    t.TempDir(),
		"etc/network/interfaces": filepath.Join(files(t, map[string]string{"interfaces": "auto eth0\niface eth0\n\taddress 198.51.100.7/24\n"}), "interfaces"),
	}
	for range 2 {
		near, _ := hosts(t)
		p := run(t, near, c)
		check(t, p.Await(`inet 198\.51\.100\.7/24`))
		p.Kill()
	}
}

// TestRestart: the same with a session, whose pid files name a process that is another one now, or
// the container's own.
func TestRestart(t *testing.T) {
	c := client("pppd", "call", "isp")
	c.Env = nil
	c.Files = files(t, map[string]string{
		"peers/isp":    "plugin rp-pppoe.so eth0\nuser testuser\nnoauth\npersist\n",
		"chap-secrets": "\"testuser\" * \"testpassword\" *\n",
	})
	c.Volumes = map[string]string{"run": t.TempDir()}
	for range 2 {
		near, far := hosts(t)
		serve(t, far)
		p := run(t, near, c)
		check(t, p.Await("remote IP address 192.0.2.1\n"))
		p.Kill()
	}
}

// TestCommands: any of the programs can be the command of a container; otherwise the command is the
// interface and options of pppoe-client.
func TestCommands(t *testing.T) {
	near, far := hosts(t)
	serve(t, far)
	cases := map[string]struct {
		args []string
		code int
		says string
	}{
		"pppd":         {[]string{"pppd", "eth0", "user", "testuser", "noauth", "maxconnect", "1"}, 13, "remote IP address 192.0.2.1\n"},
		"pppoe-client": {[]string{"pppoe-client", "eth0", "user", "testuser", "noauth", "maxconnect", "1"}, 13, "remote IP address 192.0.2.1\n"},
		"interface":    {[]string{"eth0", "user", "testuser", "noauth", "maxconnect", "1"}, 13, "remote IP address 192.0.2.1\n"},
		"discovery":    {[]string{"pppoe-discovery", "-I", "eth0", "-t", "3"}, 0, "Access-Concentrator: box\n"},
		"server":       {[]string{"pppoe-server"}, 2, "/etc/ppp/pppoe-server-options"},
		"pon":          {[]string{"pon", "--help"}, 0, "usage: pon "},
		"pon of none":  {[]string{"pon"}, 1, "/etc/ppp/peers/provider"},
		"poff":         {[]string{"poff", "--help"}, 0, "usage: poff "},
		"plog":         {[]string{"plog"}, 1, ""},
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		t.Run(name, func(t *testing.T) { wantExit(t, run(t, near, client(c.args...)), c.code, c.says) })
	}
}
