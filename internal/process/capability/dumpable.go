package capability

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// SetNotDumpable disables core dumps, and debuggers of other users than root, as there are
// passwords in memory (PR_SET_DUMPABLE of prctl(2)). Programs that it starts are not affected.
func SetNotDumpable() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("disable core dumps: %w", err)
	}
	return nil
}
