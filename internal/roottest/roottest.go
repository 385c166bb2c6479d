// Package roottest says which tests a machine can run: those that make devices
// and namespaces of the real kernel need root, and some need programs.
package roottest

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// Need leaves a test out on a machine that cannot run it, and says why. With
// UPPPOE_NOSKIP set, as in CI, that is a failure: nobody sees a test that is left
// out.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		leaveOut(t, "needs root")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		leaveOut(t, err.Error())
	}
	NeedPrograms(t, programs...)
}

// NeedPrograms is Need for a test that anybody can run who has these programs.
func NeedPrograms(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			leaveOut(t, "needs the program "+p)
		}
	}
}

// SkipMissing skips a test that has found out itself what the machine lacks, as Need does.
func SkipMissing(t testing.TB, what string) {
	t.Helper()
	leaveOut(t, what)
}

// SkipCoveredBy is SkipMissing for a test that is seen all the same: another one, in the file, runs it
// where nothing is lacking. It must name it.
func SkipCoveredBy(t testing.TB, file, what string) {
	t.Helper()
	name, _, _ := strings.Cut(t.Name(), "/")
	runs := regexp.MustCompile(`\b` + name + `\b`)
	if text, err := os.ReadFile(file); err != nil || !runs.Match(text) {
		leaveOut(t, fmt.Sprintf("%s, and %s does not run %s elsewhere", what, file, name))
	}
	t.Skipf("%s: %s runs it elsewhere", what, file)
}

func leaveOut(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("UPPPOE_NOSKIP") != "" {
		t.Fatalf("%s, and UPPPOE_NOSKIP forbids to leave the test out", why)
	}
	t.Skip(why)
}
