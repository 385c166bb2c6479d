package netconfig

import (
	"errors"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
)

// fullConfigurer configures everything but a VRF.
func fullConfigurer(t *testing.T) *Configurer {
	h, _ := toFile(t, formerText)
	h.ResolvConf = filepath.Join(t.TempDir(), "resolv.conf")
	h.DefaultRoute, h.ReplaceDefaultRoute, h.DefaultRoute6, h.ProxyARP = true, true, true, true
	h.Table, h.PolicyRules = 100, true
	return h
}

// networkState is everything that a Configurer may change, as ip(8) prints it.
func networkState(t *testing.T, h *Configurer) string {
	t.Helper()
	var all strings.Builder
	for _, what := range []string{"-details address show", "-4 route show table all", "-6 route show table all",
		"rule show", "-6 rule show", "neighbour show proxy"} {
		for line := range strings.Lines(ip(t, strings.Fields(what)...)) {
			if !strings.Contains(line, "fe80::/64") && !strings.Contains(line, "multicast") { // the kernel's own, which come asynchronously
				all.WriteString(line)
			}
		}
	}
	back, err := readAll(h.ResolvConf, h.SystemResolvConf)
	if err != nil {
		t.Fatal(err)
	}
	// A device that was up once keeps its queueing discipline.
	return regexp.MustCompile(`qdisc \w+`).ReplaceAllString(all.String(), "qdisc") + back
}

func readAll(paths ...string) (all string, err error) {
	for _, p := range paths {
		text, there, err := readResolvConf(p)
		if err != nil {
			return "", err
		}
		if there {
			all += p + ":\n" + text
		}
	}
	return all, nil
}

// firstIPv6Step is the first step for IPv6: when it or a later one fails, IPv4 goes on.
const firstIPv6Step = "add address fe80::2 peer fe80::1"

// TestEveryStepMayFail: whichever step fails, the machine is as before.
func TestEveryStepMayFail(t *testing.T) {
	roottest.Need(t, "ip")
	var steps []string // in order, recorded in the first round
	inNamespace(t, func(t *testing.T) {
		h := fullConfigurer(t)
		h.beforeStep = func(what string) error { steps = append(steps, what); return nil }
		up(t, h)()
	})
	of6 := slices.Index(steps, firstIPv6Step)
	if of6 < 10 || len(steps) < of6+3 {
		t.Fatalf("the steps are %q", steps)
	}
	for i, failing := range steps {
		inNamespace(t, func(t *testing.T) {
			prepareNetwork(t)
			h := fullConfigurer(t)
			n := 0
			h.beforeStep = func(string) error {
				if n++; n == i+1 {
					return errBroken
				}
				return nil
			}
			switch {
			case strings.HasSuffix(failing, "name servers"):
				checkNameServersFail(t, h, failing)
			case i < of6:
				checkSessionFails(t, h, failing)
			default:
				checkIPv6Fails(t, h, failing)
			}
		})
	}
}

var errBroken = errors.New("broken")

// prepareNetwork adds addresses and routes that are not ours.
func prepareNetwork(t *testing.T) {
	t.Helper()
	// So that the kernel does not add IPv6 addresses asynchronously.
	setSysctl(t, "net/ipv6/conf/default/addr_gen_mode", "1")
	wan(t)
	ipBatch(t, `address add 192.0.2.200/24 dev eth0
		route add default via 10.0.0.1 table 100
		-6 route add default via fe80::7 dev eth0 table 100 metric 2000`)
}

// checkNameServersFail: a session works without name servers, and what was installed is undone.
func checkNameServersFail(t *testing.T, h *Configurer, failing string) {
	info, before := pppoe.SessionInfo{}, networkState(t, h)
	dev, err := h.Open(info)
	if err != nil {
		t.Fatal(err)
	}
	info.Device = dev.Name()
	if err := h.Configure(info, pppoe.Addressing{}, agreed); err != nil {
		t.Errorf("%s: %v, want a line without name servers", failing, err)
	}
	dev.Close()
	h.Close(info, agreed)
	if after := networkState(t, h); after != before {
		t.Errorf("%s failed, and in the end the machine is\n%s\nit was\n%s", failing, after, before)
	}
}

// checkSessionFails: a step fails without which the session cannot be used.
func checkSessionFails(t *testing.T, h *Configurer, failing string) {
	dev, err := h.Open(pppoe.SessionInfo{})
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	info, before := pppoe.SessionInfo{Device: "ppp0"}, networkState(t, h)
	if err := h.Configure(info, pppoe.Addressing{}, agreed); !errors.Is(err, errBroken) {
		t.Errorf("%s: %v, want %v", failing, err, errBroken)
	}
	if after := networkState(t, h); after != before {
		t.Errorf("%s failed, and the machine is\n%s\nit was\n%s", failing, after, before)
	}
	h.Close(info, agreed)
}

// checkIPv6Fails: a step fails without which IPv4 goes on.
func checkIPv6Fails(t *testing.T, h *Configurer, failing string) {
	before := networkState(t, h)
	log, output := newLog()
	h.Log = log
	down := up(t, h)
	if got := ip(t, "-6", "address", "show", "dev", "ppp0"); got != "" || !strings.Contains(output.String(), "no IPv6: ") {
		t.Errorf("%s failed, this is left of IPv6: %s, and the log says %s", failing, got, output)
	}
	if got := ip(t, "-4", "address", "show", "dev", "ppp0"); got == "" {
		t.Errorf("%s failed, and IPv4 with it", failing)
	}
	down()
	if after := networkState(t, h); after != before {
		t.Errorf("%s failed, and after the session the machine is\n%s\nit was\n%s", failing, after, before)
	}
}

// TestInvalidAddresses: each is rejected with the reason and whose address it is, before anything
// is configured.
func TestInvalidAddresses(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		wan(t)
		for _, c := range []struct {
			local, remote string
			is            error
			says          string
		}{
			{"0.0.0.0", "192.0.2.1", ErrNotHostAddress, "local IP address 0.0.0.0 is not a host address"},
			{"192.0.2.10", "0.0.0.0", ErrNotHostAddress, "remote IP address 0.0.0.0 is not a host address"},
			{"127.0.0.1", "192.0.2.1", ErrLoopback, "local IP address 127.0.0.1 is a loopback address"},
			{"192.0.2.10", "127.9.9.9", ErrLoopback, "remote IP address 127.9.9.9 is a loopback address"},
			{"224.0.0.1", "192.0.2.1", ErrMulticast, "local IP address 224.0.0.1 is a multicast address"},
			{"192.0.2.10", "239.1.1.1", ErrMulticast, "remote IP address 239.1.1.1 is a multicast address"},
			{"255.255.255.255", "192.0.2.1", ErrReserved, "local IP address 255.255.255.255 is a reserved"},
			{"192.0.2.10", "240.0.0.1", ErrReserved, "remote IP address 240.0.0.1 is a reserved"},
			{"192.0.2.1", "192.0.2.1", ErrSameAddress, "IP address 192.0.2.1 is the address of both ends"},
			{"10.0.0.9", "192.0.2.1", ErrDuplicateAddress, "local IP address 10.0.0.9 is already on another interface, eth0"},
			{"192.0.2.10", "10.0.0.9", ErrDuplicateAddress, "remote IP address 10.0.0.9 is already on another interface, eth0"},
		} {
			h := &Configurer{RejectDuplicateAddress: true, Log: discard()}
			dev, err := h.Open(pppoe.SessionInfo{})
			if err != nil {
				t.Fatal(err)
			}
			before := ip(t, "address", "show", "dev", "ppp0")
			want := agreed
			want.IPv6 = ipv6cp.Agreement{}
			want.IPv4.Local, want.IPv4.Remote = netip.MustParseAddr(c.local), netip.MustParseAddr(c.remote)
			err = h.Configure(pppoe.SessionInfo{Device: "ppp0"}, pppoe.Addressing{}, want)
			if !errors.Is(err, c.is) || !strings.HasPrefix(err.Error(), "ppp0: "+c.says) {
				t.Errorf("%s and %s: %v, want %v", c.local, c.remote, err, c.is)
			}
			if after := ip(t, "address", "show", "dev", "ppp0"); after != before {
				t.Errorf("%s and %s: left half configured: %s", c.local, c.remote, after)
			}
			dev.Close()
			h.Close(pppoe.SessionInfo{}, pppoe.Addressing{})
		}
	})
}

// TestSharedAddress: a server's sessions share its address with each other and with an interface
// that has it.
func TestSharedAddress(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		wan(t)
		h := &Configurer{Log: discard()}
		for i := range 2 {
			info := pppoe.SessionInfo{SessionID: uint16(i + 1)}
			dev, err := h.Open(info)
			if err != nil {
				t.Fatal(err)
			}
			defer dev.Close()
			info.Device = dev.Name()
			want := pppoe.Addressing{MTU: 1492}
			want.IPv4.Local, want.IPv4.Remote = netip.MustParseAddr("10.0.0.9"), netip.AddrFrom4([4]byte{10, 67, 15, byte(i)})
			if err := h.Configure(info, pppoe.Addressing{}, want); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestCloseWithDevice: Close does not undo what was undone with the device, unless the device
// existed before and so still exists.
func TestCloseWithDevice(t *testing.T) {
	for _, preexisting := range []bool{false, true} {
		h, info := &Configurer{Log: discard()}, pppoe.SessionInfo{SessionID: 1}
		p, err := h.newSession()
		if err != nil {
			t.Fatal(err)
		}
		var undone []string
		changes := func(family string) appliedSteps {
			made, err := h.apply([]step{
				{what: family + " of device", ofDevice: true, do: func() (func() error, error) {
					return func() error { undone = append(undone, family+" of device"); return nil }, nil
				}},
				{what: family, do: func() (func() error, error) {
					return func() error { undone = append(undone, family); return nil }, nil
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
			return made
		}
		p.preexisting = preexisting
		p.linkChanges, p.ipv4Changes, p.ipv6Changes = changes("link"), changes("IPv4"), changes("IPv6")
		h.addSession(info, p)
		h.Close(info, pppoe.Addressing{})
		want := []string{"IPv6", "IPv4", "link"}
		if preexisting {
			want = []string{"IPv6", "IPv6 of device", "IPv4", "IPv4 of device", "link", "link of device"}
		}
		if !slices.Equal(undone, want) {
			t.Errorf("device existed before: %v: undone %q, want %q", preexisting, undone, want)
		}
	}
}
