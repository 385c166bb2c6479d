package interop

import (
	"testing"

	uml "upppoe/test/guest"
	"upppoe/test/lab"
)

// guest is a machine with the real pppd and rp-pppoe.
type guest struct{ *uml.Machine }

// boot starts a guest in a namespace, behind one of its interfaces or, if that is
// empty, with no Ethernet interface.
func boot(t testing.TB, in *lab.Namespace, port string) *guest {
	t.Helper()
	return &guest{uml.Boot(t, uml.Config{Bin: bin, Namespace: in, Port: port, Modules: modules})}
}

// modules have what pppd and rp-pppoe want of the kernel.
var modules = []string{"slhc", "ppp_generic", "pppox", "pppoe", "ppp_async", "ipv6", "veth"}

// run runs a shell script in the guest and returns its exit code and all that it
// printed.
func (g *guest) run(t testing.TB, script string) (code int, output string) {
	t.Helper()
	return g.Run(t, script)
}

// must runs a script that may not fail.
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
