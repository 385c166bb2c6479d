package interop

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/test/lab/labtest"
)

// TestKindsOfDevices runs tests of package netconfig in the guest that are skipped on a kernel
// without VRF or VLAN devices.
func TestKindsOfDevices(t *testing.T) {
	t.Parallel() // guests mostly wait
	need(t)
	boot(t, labtest.Namespace(t), "").runTests(t, "./internal/host/netconfig", "^(TestTwoVRFs|TestVRFOfSession|TestDuplicateInVRF|TestRaiseMTU)$",
		"tun vrf 8021q bridge macvlan", "TestTwoVRFs", "TestVRFOfSession", "TestDuplicateInVRF", "TestRaiseMTU/VLAN_in_a_VLAN_on_a_bridge")
}

// TestOlderKernel: the guest's kernel, Linux 6.1, has no TCX, and its verifier does not assume that
// unaligned loads work. The kernel data path does not need either.
func TestOlderKernel(t *testing.T) {
	t.Parallel() // guests mostly wait
	need(t)
	boot(t, labtest.Namespace(t), "").runTests(t, "./internal/ebpf", "^(TestVerdicts|TestFamilies|TestTwoSessions|TestForwarding|TestProcessKilledClsact|TestNetAdminSuffices)$/(^|_)(TC|XDP)$",
		"tun macvlan sch_ingress cls_bpf", "TestVerdicts/any_source_XDP", "TestVerdicts/shared_TC", "TestFamilies/XDP", "TestTwoSessions", "TestForwarding/TC", "TestProcessKilledClsact", "TestNetAdminSuffices")
}

// runTests runs tests of a package in the guest, with the modules that they need; the tests in
// passed must not be skipped.
func (g *guest) runTests(t *testing.T, pkg, tests, modules string, passed ...string) {
	t.Helper()
	program := filepath.Base(pkg) + ".test"
	build := exec.Command("go", "test", "-c", "-o", filepath.Join(g.Dir(), program), pkg)
	build.Dir = "../.."
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	code, out := g.run(t, `
for module in `+modules+`; do modprobe -d /run/modules $module || exit 1; done
export TMPDIR=/run UPPPOE_NOSKIP=1
cd /run && /mnt/`+program+` -test.v -test.timeout 200s -test.run '`+tests+`'
`)
	ok := code == 0 && !strings.Contains(out, "--- SKIP")
	for _, name := range passed {
		ok = ok && strings.Contains(out, "--- PASS: "+name+" (")
	}
	if !ok {
		t.Errorf("in the guest, this ended with %d:\n%s", code, out)
	}
}
