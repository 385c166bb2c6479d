package main

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOpenFiles: the number of open files with all sessions.
func TestOpenFiles(t *testing.T) {
	for _, c := range []struct {
		args, options string
		want          uint64
	}{
		{"-N 100", "", 100*2 + 16 + 64},
		{"-N 100", "datapath plain", 100 + 16 + 64},
		{"-N 100", "datapath plain\ndatapath-queues 4", 100 + 16 + 64},
		{"-N 100", "datapath-queues 1", 100*2 + 16 + 64},
		{"-N 100", "datapath-queues 2", 100*5 + 16 + 64},
		{"-N 100", "datapath-queues 4", 100*9 + 16 + 64},
		{"-N 100 -I eth0 -I eth1", "", 100*2 + 32 + 64},
		{"-N 100 -I eth0 --vlan 10-19", "", 100*2 + 16 + 64},
		{"-N 100 --ipv6-networks 2001:db8::/48", "", 100*5 + 16 + 64},
		{"-N 65534 --device shared --ipv6-networks 2001:db8::/48", "datapath-queues 4", 9 + 16 + 64},
		{"-N 65534 --device shared", "", uint64(2*runtime.GOMAXPROCS(0)+1) + 16 + 64},
	} {
		f, err := parseFlags(strings.Fields(c.args))
		if err != nil {
			t.Fatal(err)
		}
		f.etc = t.TempDir()
		f.options = f.etc + "/options-of-server"
		if err := os.WriteFile(f.options, []byte(c.options), 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, _, err := f.load()
		if err != nil {
			t.Fatal(err)
		}
		if got := openFiles(loaded); got != c.want {
			t.Errorf("%s, %q: %d open files, want %d", c.args, c.options, got, c.want)
		}
	}
}

// limited is the environment variable with which the test runs itself in a process with limits: SOFT
// HARD WANT.
const limited = "UPPPOE_TEST_NOFILE"

// TestRaiseOpenFileLimit: the limit is raised as far as permitted, and the warning says what to do.
func TestRaiseOpenFileLimit(t *testing.T) {
	if words := strings.Fields(os.Getenv(limited)); len(words) == 3 {
		var n [3]uint64
		for i, w := range words {
			n[i], _ = strconv.ParseUint(w, 10, 64)
		}
		allowFilesWithin(n[0], n[1], n[2])
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		limits, want string
	}{
		{"256 256 200", "256: "},
		{"256 256 256", "256: "},
		{"256 512 257", "257: "},
		{"256 512 512", "512: "},
		{"256 512 513", "512: -N 9: this many sessions need up to 513 open files, but the limit of this process is 512: "},
	} {
		run := exec.Command(self, "-test.run", "^TestRaiseOpenFileLimit$")
		run.Env = append(os.Environ(), limited+"="+c.limits)
		out, err := run.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), c.want) || !strings.Contains(c.want, "-N") && strings.Contains(string(out), "-N") {
			t.Errorf("%s: %s, %v; want %s", c.limits, out, err, c.want)
		}
	}
}

// allowFilesWithin prints the soft limit after raiseOpenFileLimit, and its warning. The hard limit cannot
// be raised, as by an unprivileged user.
func allowFilesWithin(soft, hard, want uint64) {
	runtime.LockOSThread()
	unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: soft, Max: hard})
	unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_RESOURCE, 0, 0, 0)
	dropResource()
	warning := raiseOpenFileLimit(want, 9)
	var is unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_NOFILE, &is)
	os.Stdout.WriteString(strconv.FormatUint(is.Cur, 10) + ": " + warning + "\n")
}

// dropResource drops the capability to raise hard limits.
func dropResource() {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) == nil {
		data[0].Effective &^= 1 << unix.CAP_SYS_RESOURCE
		unix.Capset(&header, &data[0])
	}
}
