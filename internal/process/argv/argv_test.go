package argv

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// role makes the test binary a program that hides some of its command line.
const role = "UPPPOE_TEST_ARGV"

func TestMain(m *testing.M) {
	if os.Getenv(role) == "" {
		os.Exit(m.Run())
	}
	before := strings.Clone(os.Args[2])
	Hide(os.Args[2], 0)
	Hide(os.Args[3], len("--password="))
	Hide(os.Args[4], 0)
	Hide(os.Args[5], 5)
	Hide(os.Args[5], 6)
	text, err := os.ReadFile("/proc/self/cmdline")
	if err != nil || before != "geheim" {
		os.Exit(1)
	}
	os.Stdout.Write(text)
	os.Exit(0)
}

// TestHide: lists of processes show the rest, in words of the same length.
func TestHide(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "password", "geheim", "--password=geheim", "", "after")
	c.Env = append(os.Environ(), role+"=1")
	text, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	words := bytes.Split(text, []byte{0})
	if got, want := string(bytes.Join(words[1:], []byte("|"))), "password|??????|--password=??????||after|"; got != want {
		t.Errorf("the command line is %s, want %s", got, want)
	}
}
