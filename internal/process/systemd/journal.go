package systemd

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// IsJournal reports whether what is written to a file goes to systemd's journal, which adds the time:
// JOURNAL_STREAM has the device and the inode of the program's stream (systemd.exec(5)).
func IsJournal(f *os.File) bool {
	stream := os.Getenv("JOURNAL_STREAM")
	var s unix.Stat_t
	if stream == "" || unix.Fstat(int(f.Fd()), &s) != nil {
		return false
	}
	return stream == fmt.Sprintf("%d:%d", s.Dev, s.Ino)
}
