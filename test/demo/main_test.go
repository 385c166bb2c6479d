package main

import (
	"flag"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
	"upppoe/test/pages"
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

// TestVariants: the demo with tags and more clients, and with a relay agent between the ends.
func TestVariants(t *testing.T) {
	roottest.Need(t, "go", relayProgram)
	program := filepath.Join(t.TempDir(), "demo")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, c := range []struct{ flags, want string }{
		{"--vlan 50.100 --clients 30", "30 sessions are open"}, {"--relay", "answer from " + serverAddress},
	} {
		out, err := exec.Command(program, strings.Fields(c.flags)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) || !strings.Contains(string(out), "== done") {
			t.Errorf("%s: %v\n%s", c.flags, err, out)
		}
	}
	for _, wrong := range []string{"--vlan 50,60", "--vlan 5000", "--relay --vlan 7", "--keep --web", "--clients -1"} {
		if out, err := exec.Command(program, strings.Fields(wrong)...).CombinedOutput(); err == nil || !strings.Contains(string(out), strings.Fields(wrong)[0]) {
			t.Errorf("%s: %v\n%s", wrong, err, out)
		}
	}
}

// TestPage: the page of a server with many clients, and a picture of it.
func TestPage(t *testing.T) {
	roottest.Need(t, "go", "chromium")
	program, picture := filepath.Join(t.TempDir(), "demo"), filepath.Join(t.TempDir(), "page.png")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(program, "--web", "--clients", "60", "--screenshot", picture, "--after", "1s").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "60 sessions are open") || !strings.Contains(string(out), "== done") {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := os.Open(picture)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if is, err := png.DecodeConfig(f); err != nil || is.Width != pictureWidth || is.Height != pictureHeight {
		t.Errorf("the picture is %+v: %v", is, err)
	}
}

// TestOptions: flags that do not go together are errors, which name them.
func TestOptions(t *testing.T) {
	for args, want := range map[string]string{
		"": "", "--keep": "", "--web": "", "--clients 5": "", "--web --screenshot x": "",
		"x": "unexpected argument", "--clients -1": "--clients -1", "--clients 10001": "up to 10000", "--screenshot x": "needs --web", "--keep --web": "--keep is for",
	} {
		set := flag.NewFlagSet("demo", flag.ContinueOnError)
		o := addFlags(set)
		if err := set.Parse(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		if err := o.check(set.Args()); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

// TestPages: the flags of the documentation are valid. TestVariants runs them.
func TestPages(t *testing.T) {
	roottest.NeedPrograms(t, relayProgram)
	commands, err := pages.Commands("../..", pages.Demo)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		words, err := c.Words()
		if err != nil {
			t.Fatal(err)
		}
		set := flag.NewFlagSet("demo", flag.ContinueOnError)
		o := addFlags(set)
		if err = set.Parse(words[3:]); err == nil { // after go run ./test/demo
			err = o.check(set.Args())
		}
		if err != nil {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}
