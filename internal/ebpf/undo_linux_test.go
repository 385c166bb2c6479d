package ebpf

import (
	"os"
	"testing"
)

// TestRestoreFeatures: offload settings that a killed process changed are restored by Restore, and
// by Close, but not while the process exists.
func TestRestoreFeatures(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(childUndoDir, dir)
	e := killedProcess(t, "TCX")
	is := func(want bool, when string) {
		t.Helper()
		e.do(func() error {
			tool, err := openEthtool()
			if err != nil {
				return err
			}
			defer tool.close()
			f, err := tool.features(ethernet)
			if err != nil {
				return err
			}
			for _, word := range []string{"tx-tcp-segmentation", "tx-tcp6-segmentation"} {
				if f.enabled(word) != want {
					t.Errorf("%s: %s is %v, want %v", when, word, !want, want)
				}
			}
			return nil
		})
	}
	left := func() int {
		all, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	is(false, "after a kill")
	if n := left(); n != 1 {
		t.Fatalf("%d undo files, want one", n)
	}
	e.do(func() error { return Restore(dir, "other0") })
	is(false, "another interface restored")
	e.do(func() error { return Restore(dir, ethernet) })
	is(true, "restored")
	if n := left(); n != 0 {
		t.Errorf("%d files are left", n)
	}
	e.do(func() error {
		engine, _, err := openAttached(Config{Sessions: 1, Exclusive: true, UndoDir: dir})
		if err != nil {
			return err
		}
		is(false, "open")
		if err := Restore(dir, ethernet); err != nil {
			t.Errorf("Restore for a live program: %v", err)
		}
		is(false, "restored while its program exists")
		return engine.Close()
	})
	is(true, "closed")
	if n := left(); n != 0 {
		t.Errorf("%d files are left in the end", n)
	}
}
