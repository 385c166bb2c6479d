package roottest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeTest is a testing.TB that records how it ended.
type fakeTest struct {
	testing.TB
	name, end string
}

func (f *fakeTest) Helper()      {}
func (f *fakeTest) Name() string { return f.name }

func (f *fakeTest) Skip(args ...any) { f.stop("skipped: " + fmt.Sprint(args...)) }
func (f *fakeTest) Skipf(format string, args ...any) {
	f.stop("skipped: " + fmt.Sprintf(format, args...))
}
func (f *fakeTest) Fatalf(format string, args ...any) {
	f.stop("failed: " + fmt.Sprintf(format, args...))
}

// stop ends the test, and does not return.
func (f *fakeTest) stop(end string) {
	f.end = end
	panic(f)
}

// ended returns how a test ends that skips itself.
func ended(name string, skip func(testing.TB)) string {
	f := &fakeTest{name: name}
	func() {
		defer func() { recover() }()
		skip(f)
	}()
	return f.end
}

// TestNoSkip: with UPPPOE_NOSKIP only tests that are run elsewhere are skipped.
func TestNoSkip(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte("^(TestThere|TestNewer)$"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := func(t testing.TB) { SkipMissing(t, "no such kernel") }
	covered := func(t testing.TB) { SkipCoveredBy(t, list, "no such kernel") }
	noList := func(t testing.TB) { SkipCoveredBy(t, list+".none", "no such kernel") }
	programs := func(t testing.TB) { NeedPrograms(t, "no-such-program") }
	for _, c := range []struct {
		noskip, name string
		skip         func(testing.TB)
		want         string
	}{
		{"", "TestThere", missing, "skipped: no such kernel"},
		{"1", "TestThere", missing, "failed: no such kernel, and UPPPOE_NOSKIP forbids"},
		{"", "TestThere/part", covered, "skipped: no such kernel: " + list + " runs it elsewhere"},
		{"1", "TestThere/part", covered, "skipped: no such kernel: " + list + " runs it elsewhere"},
		{"1", "TestNew", covered, "failed: no such kernel, and " + list + " does not run TestNew elsewhere"},
		{"1", "TestThere", noList, "failed: no such kernel"},
		{"1", "TestThere", programs, "failed: needs the program no-such-program"},
		{"", "TestThere", programs, "skipped: needs the program no-such-program"},
	} {
		t.Setenv("UPPPOE_NOSKIP", c.noskip)
		if got := ended(c.name, c.skip); !strings.HasPrefix(got, c.want) {
			t.Errorf("UPPPOE_NOSKIP=%s, %s: %q, want %q", c.noskip, c.name, got, c.want)
		}
	}
}
