package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// TestHostFilesUntouched: the demo uses none of the machine's scripts and options.
func TestHostFilesUntouched(t *testing.T) {
	roottest.Need(t, "go")
	if _, err := os.Stat("/etc/ppp"); err != nil {
		roottest.SkipMissing(t, "needs a directory /etc/ppp")
	}
	etc := t.TempDir()
	for _, script := range []string{"ip-pre-up", "ip-up", "ip-down", "ipv6-up", "ipv6-down", "auth-up", "auth-down"} {
		write(t, filepath.Join(etc, script), "#!/bin/sh\n: > "+etc+"/ran-"+script+"\n")
	}
	write(t, filepath.Join(etc, "options"), "no-such-option\n")
	program := filepath.Join(t.TempDir(), "demo")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	n, err := lab.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	p, err := n.Launch(exec.Command(program), lab.BindMount{Source: etc, Target: "/etc/ppp"})
	if err != nil {
		t.Fatal(err)
	}
	if code, err := p.Wait(); err != nil || code != 0 || !strings.Contains(p.Log(), "answer from "+serverAddress) {
		t.Errorf("the demo ended with %d: %v\n%s", code, err, p.Log())
	}
	if ran, _ := filepath.Glob(filepath.Join(etc, "ran-*")); len(ran) != 0 {
		t.Errorf("the demo ran the machine's scripts: %v", ran)
	}
}

// TestOutputClosed: the demo completes and cleans up even if its output is closed.
func TestOutputClosed(t *testing.T) {
	roottest.Need(t, "go")
	program := filepath.Join(t.TempDir(), "demo")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	temp := t.TempDir()
	demo := exec.Command(program)
	demo.Stdout, demo.Env = w, append(os.Environ(), "TMPDIR="+temp)
	if err := demo.Run(); err != nil {
		t.Errorf("the demo ended with %v", err)
	}
	if left, _ := os.ReadDir(temp); len(left) != 0 {
		t.Errorf("the demo left %v", left)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}
