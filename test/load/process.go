package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// sample is what a process uses at some time.
type sample struct {
	at       time.Time
	rss, hwm int           // resident memory, and its maximum so far, in KiB
	cpu      time.Duration // processor time
	threads  int
	files    int // open descriptors
}

// sampleProcess reads a process's files in /proc.
func sampleProcess(pid int) (s sample, err error) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		return s, err
	}
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return s, err
	}
	files, _ := os.ReadDir(dir + "fd") // none, of a process of another user
	s = sample{at: time.Now(), cpu: parseCPU(stat), files: len(files)}
	for _, line := range strings.Split(string(status), "\n") {
		name, value, _ := strings.Cut(line, ":")
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch name {
		case "VmRSS":
			s.rss = n
		case "VmHWM":
			s.hwm = n
		case "Threads":
			s.threads = n
		}
	}
	return s, nil
}

// ownCPU returns the processor time that this process has used.
func ownCPU() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// clockTick is the unit of times in /proc: USER_HZ is 100 on all architectures of Linux that Go has.
const clockTick = time.Second / 100

// parseCPU returns utime and stime of /proc/PID/stat (proc_pid_stat(5)), which follow the name in
// parentheses as fields 14 and 15.
func parseCPU(stat []byte) time.Duration {
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * clockTick
}

// cpuSince returns the share of one processor used since an earlier sample, in percent.
func (s sample) cpuSince(before sample) float64 {
	return 100 * float64(s.cpu-before.cpu) / float64(max(s.at.Sub(before.at), 1))
}
