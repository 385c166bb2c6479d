// Package labtest has helpers for tests that run in networks of package lab.
package labtest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// Namespace makes a network namespace, and closes it at the end of the test. The caller has skipped
// the test, as by roottest.Need, where it cannot be made.
func Namespace(t testing.TB) *lab.Namespace {
	t.Helper()
	n, err := lab.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// InNamespace runs f on a thread in a network namespace of its own, as lab.Namespace.Do does; an
// error of f fails the test. It skips the test as roottest.Need does.
func InNamespace(t testing.TB, f func() error) {
	t.Helper()
	roottest.Need(t)
	n, err := lab.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := n.Do(f); err != nil {
		t.Error(err)
	}
}

// OneCPU keeps the program on one CPU until the test ends, as lab.OneCPU does.
func OneCPU(t testing.TB) {
	t.Helper()
	release, err := lab.OneCPU()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
}

// Main is for the TestMain of a package two directories below the root: it builds our programs in a
// temporary directory, calls prepare with it, runs the tests, and removes it. It returns the exit
// code.
func Main(m *testing.M, prepare func(dir string) error, programs ...string) int {
	code, err := runTests(m, prepare, programs)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func runTests(m *testing.M, prepare func(dir string) error, programs []string) (code int, err error) {
	pkg, err := os.Getwd()
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "upppoe-"+filepath.Base(pkg)+"-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := lab.Build("../..", dir, programs...); err != nil {
		return 0, err
	}
	if err := prepare(dir); err != nil {
		return 0, err
	}
	return m.Run(), nil
}
