// Package programpages unmaps the pages of a program's file that it used once, as most of them are by
// the packages that initialize themselves at the start.
package programpages

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Unmap unmaps the code and the constants of the program. They stay in the page cache, where the
// kernel may use their memory for something else: it takes mapped pages last. What the program goes on
// to use is mapped again at its next use, 16 pages at a time, without being read from the disk.
func Unmap() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer f.Close()
	for _, m := range unchanged(f, program) {
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("unmap %d KiB of the program: %w", (m.end-m.start)/1024, errno)
		}
	}
	return nil
}

// mapping is a range of addresses.
type mapping struct{ start, end uintptr }

// unchanged returns the mappings of a file, in the form of /proc/PID/smaps (proc_pid_smaps(5)), that
// cannot be written and have no page that differs from the file: others would lose what was written
// before they were made read-only, as relocations are.
func unchanged(smaps io.Reader, file string) (all []mapping) {
	var of *mapping // nil: another file's, or writable
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) >= 5 && len(fields[1]) == 4: // ADDRESSES PERMISSIONS OFFSET DEVICE INODE [FILE]
			if of = nil; len(fields) == 6 && fields[5] == file && fields[1][1] == '-' {
				of = parseMapping(fields[0])
			}
		case of != nil && len(fields) == 3 && fields[0] == "Anonymous:" && fields[1] == "0":
			all = append(all, *of)
		}
	}
	return all
}

// parseMapping parses a range like 400000-103c000; nil: it is none.
func parseMapping(addresses string) *mapping {
	var m mapping
	if n, _ := fmt.Sscanf(addresses, "%x-%x", &m.start, &m.end); n != 2 {
		return nil
	}
	return &m
}
