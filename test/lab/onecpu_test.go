package lab_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"upppoe/test/lab"
)

// TestOneCPU: all threads, old and new, are on one CPU until the last caller releases it.
func TestOneCPU(t *testing.T) {
	before := cpusOfThreads(t)
	first, err := lab.OneCPU()
	check(t, err)
	second, err := lab.OneCPU()
	check(t, err)
	startThreads(4)
	pinned := cpusOfThreads(t)
	if strings.ContainsAny(pinned, ",-") {
		t.Errorf("threads are on the CPUs %s", pinned)
	}
	first()
	first()
	if got := cpusOfThreads(t); got != pinned {
		t.Errorf("threads are on the CPUs %s after the first of two callers, want %s", got, pinned)
	}
	second()
	if got := cpusOfThreads(t); got != before {
		t.Errorf("threads are on the CPUs %s afterwards, want %s", got, before)
	}
}

// startThreads has n goroutines on threads of their own at once.
func startThreads(n int) {
	running, done := make(chan struct{}), make(chan struct{})
	for range n {
		go func() {
			runtime.LockOSThread()
			running <- struct{}{}
			<-done
			runtime.UnlockOSThread()
		}()
	}
	for range n {
		<-running
	}
	close(done)
}

// cpusOfThreads returns the CPUs that all threads may use; it is an error if these differ.
func cpusOfThreads(t *testing.T) (cpus string) {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/status")
	check(t, err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil { // the thread has ended
			continue
		}
		_, rest, _ := strings.Cut(string(b), "Cpus_allowed_list:\t")
		one, _, _ := strings.Cut(rest, "\n")
		if cpus == "" {
			cpus = one
		}
		if one != cpus {
			t.Errorf("a thread is on the CPUs %s, another on %s", one, cpus)
		}
	}
	return cpus
}
