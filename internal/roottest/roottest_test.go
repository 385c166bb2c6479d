package roottest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// other is a test that tells how it ended.
type other struct {
	testing.TB
	name, end string
}

func (o *other) Helper()      {}
func (o *other) Name() string { return o.name }

func (o *other) Skip(args ...any)                 { o.stop("skipped: " + fmt.Sprint(args...)) }
func (o *other) Skipf(format string, args ...any) { o.stop("skipped: " + fmt.Sprintf(format, args...)) }
func (o *other) Fatalf(format string, args ...any) {
	o.stop("failed: " + fmt.Sprintf(format, args...))
}

// stop ends it: what a test calls for that does not return.
func (o *other) stop(end string) {
	o.end = end
	panic(o)
}

// ended is how a test ends that leaves itself out.
func ended(name string, leave func(testing.TB)) string {
	o := &other{name: name}
	func() {
		defer func() { recover() }()
		leave(o)
	}()
	return o.end
}

// TestLeftOut: where tests may not be left out, only those may that run elsewhere.
func TestLeftOut(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte("^(TestThere|TestNewer)$"), 0o600); err != nil {
		t.Fatal(err)
	}
	lacks := func(t testing.TB) { SkipMissing(t, "no such kernel") }
	leaves := func(t testing.TB) { SkipCoveredBy(t, list, "no such kernel") }
	loses := func(t testing.TB) { SkipCoveredBy(t, list+".none", "no such kernel") }
	programs := func(t testing.TB) { NeedPrograms(t, "no-such-program") }
	for _, c := range []struct {
		noskip, name string
		leave        func(testing.TB)
		want         string
	}{
		{"", "TestThere", lacks, "skipped: no such kernel"},
		{"1", "TestThere", lacks, "failed: no such kernel, and UPPPOE_NOSKIP forbids"},
		{"", "TestThere/part", leaves, "skipped: no such kernel: " + list + " runs it elsewhere"},
		{"1", "TestThere/part", leaves, "skipped: no such kernel: " + list + " runs it elsewhere"},
		{"1", "TestNew", leaves, "failed: no such kernel, and " + list + " does not run TestNew elsewhere"},
		{"1", "TestThere", loses, "failed: no such kernel"},
		{"1", "TestThere", programs, "failed: needs the program no-such-program"},
		{"", "TestThere", programs, "skipped: needs the program no-such-program"},
	} {
		t.Setenv("UPPPOE_NOSKIP", c.noskip)
		if got := ended(c.name, c.leave); !strings.HasPrefix(got, c.want) {
			t.Errorf("UPPPOE_NOSKIP=%s, %s: %q, want %q", c.noskip, c.name, got, c.want)
		}
	}
}
