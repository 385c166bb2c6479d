package sessionstore

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// owner is the process that has written a file, and the namespace of its ID: in another container
// the ID is another process's.
type owner struct {
	PID          int    `json:"pid,omitempty"`
	PIDNamespace string `json:"pids,omitempty"`
}

func currentOwner() owner { return owner{os.Getpid(), pidNamespace()} }

// pidNamespace identifies the PID namespace of this process.
func pidNamespace() string {
	name, _ := os.Readlink("/proc/self/ns/pid")
	return name
}

// isExiting reports whether the process has ended or is being killed: after a kill -9 it keeps its
// files for some time, until its device is gone.
func (h owner) isExiting() bool {
	if h.PID <= 0 || h.PIDNamespace == "" || h.PIDNamespace != pidNamespace() {
		return false
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.PID))
	if os.IsNotExist(err) {
		return true
	}
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", h.PID))
	return isExitingStatus(string(status), string(stat))
}

// pfExiting is the kernel's PF_EXITING.
const pfExiting = 4

// isExitingStatus evaluates proc(5)'s status and stat of a process.
func isExitingStatus(status, stat string) bool {
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch name {
		case "State":
			if strings.HasPrefix(value, "Z") || strings.HasPrefix(value, "X") {
				return true
			}
		case "SigPnd", "ShdPnd":
			if pending, _ := strconv.ParseUint(value, 16, 64); pending&(1<<(unix.SIGKILL-1)) != 0 {
				return true
			}
		}
	}
	// After the program's name, which may contain spaces and parentheses.
	if fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]); len(fields) > 6 {
		flags, _ := strconv.ParseUint(fields[6], 10, 64)
		return flags&pfExiting != 0
	}
	return false
}

// How long, and how often, a file of an exiting process is tried.
const (
	lockTimeout  = 2 * time.Second
	pollInterval = 5 * time.Millisecond
)

// lockWithWait is lock, but waits for a file while its owner is exiting.
func lockWithWait(path string, until time.Time) (*os.File, error) {
	for {
		file, err := lock(path)
		if file != nil || err != nil || !ownerOf(path).isExiting() || !time.Now().Before(until) {
			return file, err
		}
		time.Sleep(pollInterval)
	}
}

// ownerOf returns the process that has written a file last.
func ownerOf(path string) owner {
	file, err := os.Open(path)
	if err != nil {
		return owner{}
	}
	defer file.Close()
	is, _ := readRecord(file)
	return is.owner
}
