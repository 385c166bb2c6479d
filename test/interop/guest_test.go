package interop

import (
	"testing"

	uml "upppoe/test/guest"
	"upppoe/test/lab"
)

// guest is a guest with the real pppd and rp-pppoe.
type guest struct{ *uml.Machine }

// boot boots a guest in a namespace, connected to one of its interfaces or, if port is empty,
// without Ethernet interface.
func boot(t testing.TB, in *lab.Namespace, port string) *guest {
	t.Helper()
	return &guest{uml.Boot(t, uml.Config{Bin: bin, Namespace: in, Port: port, Modules: modules})}
}

// modules are the kernel modules that pppd and rp-pppoe need.
var modules = []string{"slhc", "ppp_generic", "pppox", "pppoe", "ppp_async", "ipv6", "veth", "8021q"}

// run runs a shell script in the guest and returns its exit code and output.
func (g *guest) run(t testing.TB, script string) (code int, output string) {
	t.Helper()
	return g.Run(t, script)
}

// must runs a script that must succeed.
func (g *guest) must(t testing.TB, script string) string {
	t.Helper()
	return g.Must(t, script)
}

func (g *guest) ping(t testing.TB, to string) {
	t.Helper()
	if code, out := g.run(t, "ping -c 2 -i 0.2 -W 5 "+to); code != 0 {
		t.Errorf("pinged from the guest:\n%s", out)
	}
}
