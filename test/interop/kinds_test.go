package interop

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestKindsOfDevices runs in the guest what tests of package hostnet leave out on a
// kernel that makes no VRF or VLAN.
func TestKindsOfDevices(t *testing.T) {
	need(t)
	g := boot(t, namespace(t), "")
	build := exec.Command("go", "test", "-c", "-o", filepath.Join(g.Dir(), "hostnet.test"), "./internal/hostnet")
	build.Dir = "../.."
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	code, out := g.run(t, `
for module in tun vrf 8021q bridge macvlan; do modprobe -d /run/modules $module || exit 1; done
export GODEBUG=cpu.avx=off,cpu.avx2=off,cpu.avx512f=off TMPDIR=/run UPPPOE_NOSKIP=1
cd /run && /mnt/hostnet.test -test.v -test.timeout 45s -test.run '^(TestTwoVRFs|TestRaiseMTU)$'
`)
	if code != 0 || strings.Contains(out, "--- SKIP") || !strings.Contains(out, "--- PASS: TestTwoVRFs") ||
		!strings.Contains(out, "--- PASS: TestRaiseMTU/VLAN_in_a_VLAN") {
		t.Errorf("in the guest, this ended with %d:\n%s", code, out)
	}
}
