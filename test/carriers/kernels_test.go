package carriers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/test/guest"
	"upppoe/test/lab"
)

// programs is the environment variable that holds the directory of our programs, where
// the test runs in a guest.
const programs = "UPPPOE_CARRIERS_PROGRAMS"

func inGuest() bool { return os.Getenv(programs) != "" }

// bin is where our programs are built.
var bin string

func TestMain(m *testing.M) {
	if inGuest() {
		bin = os.Getenv(programs)
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "upppoe-carriers-")
	if err == nil {
		bin = dir
		err = lab.Build("../..", dir, "./cmd/pppoe-client", "./cmd/pppoe-server", "./cmd/pppoe-discovery", "./test/guest/umlrun")
	}
	if err == nil {
		err = lab.BuildTests("../..", dir, "./test/carriers")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// kernels finds a kernel for a test: this machine's or, started with the first test
// that needs it, a guest's.
type kernels struct {
	owner   testing.TB // ends the guest
	machine *guest.Machine
}

// modules are what a guest loads.
var modules = []string{"ipv6", "tun", "af_packet", "veth", "bridge", "8021q", "macvlan", "ipvlan", "vxlan", "geneve", "ip_gre"}

// run runs the test here or, if this kernel lacks a kind of device, in the guest.
func (k *kernels) run(t *testing.T, kinds []string, test func(*testing.T)) {
	missing := lacking(t, kinds)
	switch {
	case len(missing) == 0:
		test(t)
	case inGuest():
		t.Fatalf("the guest's kernel has no device of kind %v", missing)
	default:
		t.Logf("this kernel has no device of kind %v: the test runs in a guest", missing)
		k.inGuest(t)
	}
}

// inGuest runs the test t in the guest.
func (k *kernels) inGuest(t *testing.T) {
	t.Helper()
	if k.machine == nil {
		k.machine = guest.Boot(k.owner, guest.Config{Bin: bin, In: namespace(k.owner), Modules: modules})
	}
	dir, err := os.Getwd()
	check(t, err)
	parts := strings.Split(t.Name(), "/")
	pattern := "^" + strings.Join(parts, "$/^") + "$"
	code, out := k.machine.Run(t, fmt.Sprintf("cd '%s' && UPPPOE_NOSKIP=1 %s='%s' '%s' -test.run '%s' -test.v",
		dir, programs, bin, filepath.Join(bin, "carriers.test"), pattern))
	if code != 0 || !strings.Contains(out, "--- PASS: "+t.Name()+" (") {
		t.Errorf("in the guest it ended with %d:\n%s", code, out)
	}
}
