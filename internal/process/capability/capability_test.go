package capability

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
)

// role is the environment variable that makes the test binary a program that drops its
// capabilities.
const role = "UPPPOE_TEST_PRIVILEGE"

func TestMain(m *testing.M) {
	if os.Getenv(role) == "" {
		os.Exit(m.Run())
	}
	if err := dropAndShow(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// dropAndShow keeps NetRaw and NetAdmin, and prints the capabilities of its threads and of a
// program that it starts.
func dropAndShow() error {
	let := make(chan struct{})
	defer close(let)
	for range 5 { // on threads of their own
		started := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(started)
			<-let
		}()
		<-started
	}
	before := Has(SysAdmin) && Has(NetRaw)
	if err := DropAllExcept(NetRaw, NetAdmin); err != nil {
		return err
	}
	fmt.Println("before", before, "raw", Has(NetRaw), "admin", Has(NetAdmin), "sys", Has(SysAdmin), "bpf", Has(BPF), "none", Has(unknownCap))
	threads, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil {
		return err
	}
	for _, thread := range threads {
		if err := show("thread", thread); err != nil {
			return err
		}
	}
	if err := DropAllExcept(NetRaw, SysAdmin); err != nil {
		return err
	}
	fmt.Println("once more: raw", Has(NetRaw), "admin", Has(NetAdmin), "sys", Has(SysAdmin))
	out, err := exec.Command("grep", "CapEff", "/proc/self/status").Output()
	fmt.Println("program", strings.Fields(string(out))[1])
	return err
}

func show(who, status string) error {
	text, err := os.ReadFile(status)
	if err != nil {
		return err
	}
	var caps []string
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); slices.Contains([]string{"CapInh", "CapPrm", "CapEff"}, name) {
			caps = append(caps, name+"="+strings.TrimLeft(strings.TrimSpace(value), "0"))
		}
	}
	fmt.Println(who, strings.Join(caps, " "))
	return nil
}

// TestDropAllExcept: all threads have exactly the capabilities that were kept, permanently; a
// program that is started as root has all again.
func TestDropAllExcept(t *testing.T) {
	roottest.Need(t, "go", "grep")
	// Without cgo, which the race detector needs.
	binary := filepath.Join(t.TempDir(), "privilege.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	child := exec.Command(binary)
	child.Env = append(os.Environ(), role+"=1")
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if want := "before true raw true admin true sys false bpf false none false"; lines[0] != want {
		t.Errorf("it has %s, want %s", lines[0], want)
	}
	threads, last := lines[1:len(lines)-2], lines[len(lines)-2:]
	if len(threads) < 6 {
		t.Errorf("%d threads", len(threads))
	}
	kept := fmt.Sprintf("%x", 1<<unix.CAP_NET_RAW|1<<unix.CAP_NET_ADMIN)
	for _, thread := range threads {
		if want := "thread CapInh= CapPrm=" + kept + " CapEff=" + kept; thread != want {
			t.Errorf("%s, want %s", thread, want)
		}
	}
	if want := "once more: raw true admin false sys false"; last[0] != want {
		t.Errorf("%s, want %s", last[0], want)
	}
	bounding := func() string {
		text, _ := os.ReadFile("/proc/self/status")
		_, rest, _ := strings.Cut(string(text), "CapBnd:\t")
		return strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0])
	}()
	if last[1] != "program "+bounding {
		t.Errorf("%s, want all that root may have: %s", last[1], bounding)
	}
}

// unknownCap does not exist.
const unknownCap Capability = 64
