package main

import (
	"bufio"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/vlan"
)

// TestSignals: SIGTERM, SIGINT and SIGQUIT end a watch, also if nobody reads the output; the exit code
// says whether a concentrator answered.
func TestSignals(t *testing.T) {
	w := newWire(t)
	w.answering(vlan.Stack{}, "ac")
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGQUIT} {
		c := exec.Command(w.program, "-I", "near", "--watch", "--interval", "1")
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := w.near.Start(c); err != nil {
			t.Fatal(err)
		}
		stuck := time.AfterFunc(time.Minute, func() { c.Process.Kill() })
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			t.Error(err)
		}
		c.Process.Signal(s)
		c.Wait()
		stuck.Stop()
		if got := c.ProcessState.ExitCode(); got != exitFound {
			t.Errorf("after %v the exit code is %d, want %d", s, got, exitFound)
		}
	}
}
