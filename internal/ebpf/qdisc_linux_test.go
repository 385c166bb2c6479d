package ebpf

import (
	"strings"
	"testing"
	"time"

	"upppoe/internal/roottest"
	"upppoe/pppoe/vlan"
)

// TestShaping: user space sends the packets of a device with a shaper or filters, which the kernel
// data path would bypass.
func TestShaping(t *testing.T) {
	roottest.Need(t, "tc")
	notices := make(chan string, 16)
	s := newNetwork(t, withoutTimer, func(e *station, cfg *Config) {
		if e.addr == addrs[0] {
			cfg.Notify = func(text string) { notices <- text }
		}
	})
	here, there := s.session(1, vlan.Stack{}, 1492)
	for _, c := range []struct {
		tc     string
		kernel bool
		says   string // empty: nothing
	}{
		{"qdisc add dev DEV root pfifo", true, ""},
		{"qdisc replace dev DEV root tbf rate 100mbit burst 20k latency 10ms", false, "tbf"},
		{"qdisc del dev DEV root", true, "in the kernel again"},
		{"qdisc add dev DEV ingress", true, ""},
		{"qdisc del dev DEV ingress", true, ""},
		{"qdisc add dev DEV clsact", false, "clsact"},
		{"qdisc del dev DEV clsact", true, "in the kernel again"},
	} {
		words := strings.Fields(strings.ReplaceAll(c.tc, "DEV", here.device.Name()))
		sh(t, here.ns, "tc", words...)
		if c.says != "" {
			select {
			case text := <-notices:
				if !strings.Contains(text, c.says) {
					t.Errorf("%s: the log says: %s", c.tc, text)
				}
			case <-time.After(5 * time.Second):
				t.Fatalf("%s: the log says nothing", c.tc)
			}
		}
		before := here.userSpace.sent.Load()
		if _, err := here.ns.Ping(there.ipv4, 1, time.Second); err != nil {
			t.Errorf("%s: %v", c.tc, err)
		}
		if got := here.userSpace.sent.Load() == before; got != c.kernel {
			t.Errorf("%s: sent in the kernel: %v", c.tc, got)
		}
	}
}

// TestShapedBeforeAdd: the same with a queueing discipline that the device has before its session
// is added, as by a script that runs when the session begins.
func TestShapedBeforeAdd(t *testing.T) {
	roottest.Need(t, "tc")
	s := newNetwork(t, withoutTimer)
	here, there := s.session(1, vlan.Stack{}, 1492)
	for _, c := range []struct {
		add, del string
		kernel   bool
	}{
		{"root tbf rate 100mbit burst 20k latency 10ms", "root", false},
		{"clsact", "clsact", false},
		{"root pfifo", "root", true},
		{"ingress", "ingress", true},
	} {
		here.kernel.Remove()
		change := func(word, what string) {
			sh(t, here.ns, "tc", append([]string{"qdisc", word, "dev", here.device.Name()}, strings.Fields(what)...)...)
		}
		change("add", c.add)
		here.add()
		here.kernel.SetFamilies(true, true)
		kernel := !c.kernel
		// Earlier messages may arrive in between.
		for until := time.Now().Add(5 * time.Second); kernel != c.kernel && time.Now().Before(until); {
			before := here.userSpace.sent.Load()
			if _, err := here.ns.Ping(there.ipv4, 1, time.Second); err != nil {
				t.Errorf("%s: %v", c.add, err)
			}
			kernel = here.userSpace.sent.Load() == before
		}
		if kernel != c.kernel {
			t.Errorf("%s: sent in the kernel: %v", c.add, kernel)
		}
		change("del", c.del)
	}
}
