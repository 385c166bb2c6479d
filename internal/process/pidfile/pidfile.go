// Package pidfile writes the files by which scripts find a running program, as pppd does:
// ppp0.pid, and ppp-LINK.pid for a session with a linkname.
package pidfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"upppoe/internal/atomicfile"
)

// Dir is their directory.
const Dir = "/run"

// Write writes this process's ID, followed by lines, to a file of a directory, atomically.
func Write(dir, name string, lines ...string) error {
	text := strings.Join(append([]string{strconv.Itoa(os.Getpid())}, lines...), "\n") + "\n"
	path := filepath.Join(dir, name)
	if err := atomicfile.Write(path, text, 0o644); err != nil {
		//lint:ignore ST1005 pppd's words, which people search logs for
		return fmt.Errorf("Failed to create pid file %s: %w", path, err)
	}
	return nil
}

// Read returns a file's process ID, and the lines after it. The error is fs.ErrNotExist if the
// file does not exist.
func Read(dir, name string) (pid int, lines []string, err error) {
	path := filepath.Join(dir, name)
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, nil, err
	}
	lines = strings.Split(strings.TrimSpace(string(text)), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid < 1 {
		return 0, nil, fmt.Errorf("%s: its first line is not a process ID", path)
	}
	return pid, lines[1:], nil
}

// Remove removes a file, if it is this process's.
func Remove(dir, name string) {
	if pid, _, err := Read(dir, name); err == nil && pid == os.Getpid() {
		os.Remove(filepath.Join(dir, name))
	}
}

// UnitName returns the name of a device's file.
func UnitName(device string) string { return device + ".pid" }

// LinkName returns the name of a linkname's file.
func LinkName(name string) string { return "ppp-" + name + ".pid" }
