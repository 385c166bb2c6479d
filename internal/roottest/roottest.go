// Package roottest skips tests that a machine cannot run: tests that create devices and network
// namespaces need root, and some need programs. With UPPPOE_NOSKIP set, as in CI, a skipped test
// fails instead.
package roottest

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// Need skips a test, with the reason, on a machine without root, /dev/net/tun or the programs. With
// UPPPOE_NOSKIP set the test fails.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		skip(t, "needs root")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		skip(t, err.Error())
	}
	NeedPrograms(t, programs...)
}

// NeedPrograms is Need for a test that needs the programs, but not root.
func NeedPrograms(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			skip(t, "needs the program "+p)
		}
	}
}

// SkipMissing skips a test that has found out itself what the machine lacks, as Need does.
func SkipMissing(t testing.TB, what string) {
	t.Helper()
	skip(t, what)
}

// SkipCoveredBy skips a test that is run elsewhere, where nothing is missing: by a test in the file,
// which must contain its name. It skips the test with UPPPOE_NOSKIP set as well.
func SkipCoveredBy(t testing.TB, file, what string) {
	t.Helper()
	name, _, _ := strings.Cut(t.Name(), "/")
	listed := regexp.MustCompile(`\b` + name + `\b`)
	if text, err := os.ReadFile(file); err != nil || !listed.Match(text) {
		skip(t, fmt.Sprintf("%s, and %s does not run %s elsewhere", what, file, name))
	}
	t.Skipf("%s: %s runs it elsewhere", what, file)
}

func skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("UPPPOE_NOSKIP") != "" {
		t.Fatalf("%s, and UPPPOE_NOSKIP forbids skipping the test", why)
	}
	t.Skip(why)
}
