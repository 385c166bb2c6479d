package sharednet

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"

	"upppoe/tun"
)

// withHolder adds to an error about a name that is taken what has it, and what to do.
func withHolder(name string, err error) error {
	if !errors.Is(err, tun.ErrNameTaken) {
		return err
	}
	if pid, program := findUser(name); pid != 0 {
		return fmt.Errorf("%w: process %d (%s) uses it: end that, or choose another name", err, pid, program)
	}
	if link, missing := netlink.LinkByName(name); missing == nil {
		return fmt.Errorf("%w: it is a %s interface: `ip link delete %s` removes it", err, link.Type(), link.Attrs().Name)
	}
	return err
}

// findUser finds the process that has a TUN device open in the network namespace of this thread;
// 0: none that this process may see.
func findUser(device string) (pid int, program string) {
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	ours, _ := os.Readlink("/proc/thread-self/ns/net")
	for _, file := range files {
		if to, err := os.Readlink(file); err != nil || to != "/dev/net/tun" || !isDevice(file, device) {
			continue
		}
		parts := strings.Split(file, "/") // "", proc, PID, fd, N
		process := filepath.Join("/proc", parts[2])
		if !hasThreadIn(process, ours) {
			continue
		}
		pid, _ = strconv.Atoi(parts[2])
		name, _ := os.ReadFile(process + "/comm")
		return pid, strconv.Quote(string(bytes.TrimSpace(name)))
	}
	return 0, ""
}

// hasThreadIn reports whether a thread of a process is in a network namespace.
func hasThreadIn(process, namespace string) bool {
	threads, _ := filepath.Glob(process + "/task/*/ns/net")
	return slices.ContainsFunc(threads, func(thread string) bool {
		its, err := os.Readlink(thread)
		return err == nil && its == namespace
	})
}

// isDevice reports whether an open /dev/net/tun is that of a device (proc(5), fdinfo).
func isDevice(file, device string) bool {
	dir, n := filepath.Split(file)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Clean(dir)), "fdinfo", n))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "iff:"); ok {
			return strings.TrimSpace(name) == device
		}
	}
	return false
}
