package container

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// imageFiles are the programs of the image, and their other names.
var imageFiles = []string{
	"usr/sbin/plog", "usr/sbin/poff", "usr/sbin/pon", "usr/sbin/pppd",
	"usr/sbin/pppoe-client", "usr/sbin/pppoe-discovery", "usr/sbin/pppoe-server",
}

// TestContainerIsolation: the containers of these tests are isolated. The client is the first
// process, has the two capabilities, can get no other, sees the image's files only, and cannot
// write to them.
func TestContainerIsolation(t *testing.T) {
	near, far := hosts(t)
	serve(t, far)
	p := run(t, near, client("eth0", "user", "testuser", "noauth"))
	check(t, p.Await("remote IP address"))
	wantInFile(t, p.PID(), "status", `NSpid:\t\d+\t1\n`, `CapInh:\t0+\n`, `CapPrm:\t0*3000\n`, `CapEff:\t0*3000\n`,
		`CapBnd:\t0*3000\n`, `CapAmb:\t0+\n`, `NoNewPrivs:\t1\n`)
	wantInFile(t, p.PID(), "mountinfo", ` / ro,`, ` /proc/sys ro,`, ` /sys ro,`)

	root, err := os.OpenRoot(fmt.Sprintf("/proc/%d/root", p.PID()))
	check(t, err)
	defer root.Close()
	var found []string
	check(t, fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if path == "dev" || path == "proc" || path == "sys" {
			return fs.SkipDir
		}
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return err
	}))
	slices.Sort(found)
	if got, want := strings.Join(found, " "), strings.Join(imageFiles, " "); got != want {
		t.Errorf("the container has the files %s, want %s", got, want)
	}
}

// wantInFile checks a process's file below /proc.
func wantInFile(t testing.TB, pid int, file string, patterns ...string) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	check(t, err)
	for _, pattern := range patterns {
		if !regexp.MustCompile(pattern).Match(text) {
			t.Errorf("the container's %s does not show %q:\n%s", file, pattern, text)
		}
	}
}
