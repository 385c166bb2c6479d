package netconfig

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestProgramTimeout: a program that does not end is killed, with its child processes.
func TestProgramTimeout(t *testing.T) {
	path, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	fakePrograms(t, map[string]string{"resolvconf": path + " 1000 & " + path + " 1000"})
	began := time.Now()
	err = runProgram(50*time.Millisecond, "", "resolvconf", "-a", "ppp0.ppp")
	if !errors.Is(err, ErrProgramTimeout) || time.Since(began) > 20*time.Second {
		t.Errorf("after %v: %v, want %v", time.Since(began), err, ErrProgramTimeout)
	}
}

// TestProgramEnvironment: a program does not get a password from our environment.
func TestProgramEnvironment(t *testing.T) {
	calls := fakePrograms(t, map[string]string{"resolvconf": `echo "$PPPOE_PASSWORD." >>${0%/*}/calls`})
	t.Setenv("PPPOE_PASSWORD", "hunter2")
	if err := runProgram(time.Minute, "", "resolvconf"); err != nil {
		t.Fatal(err)
	}
	wantFile(t, calls, "resolvconf \n.\n")
}

// TestProgramOutput: a program's output becomes one line of limited length.
func TestProgramOutput(t *testing.T) {
	fakePrograms(t, map[string]string{"resolvconf": "printf 'one\\ntwo\\033[2J'; i=0; while [ $i -lt 1000 ]; do echo 0123456789; i=$((i+1)); done; exit 3"})
	err := runProgram(time.Minute, "", "resolvconf")
	if err == nil || !strings.Contains(err.Error(), "exit status 3: one two [2J0123456789 ") || len(err.Error()) > 1024 {
		t.Errorf("the error is %v", err)
	}
}
