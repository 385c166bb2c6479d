package capability

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestSetNotDumpable: the kernel allows neither a debugger nor a core dump.
func TestSetNotDumpable(t *testing.T) {
	defer unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	if err := SetNotDumpable(); err != nil {
		t.Fatal(err)
	}
	if is, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || is != 0 {
		t.Errorf("PR_GET_DUMPABLE is %d, %v", is, err)
	}
}
