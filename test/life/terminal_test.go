package life

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// runOnTerminal runs a client with a pseudo-terminal as standard error and output, and returns what it
// showed. do is called while it runs; nil: nothing is done.
func (w *testbed) runOnTerminal(t testing.TB, do func(), args ...string) (code int, shown string) {
	t.Helper()
	master, slave := openTerminal(t)
	cmd := w.command("pppoe-client", args...)
	cmd.Env = append(cmd.Env, "TERM=xterm")
	cmd.Stdout, cmd.Stderr = slave, slave
	check(t, w.client.Start(cmd, w.binds()...))
	slave.Close()
	stuck := time.AfterFunc(2*timeout, func() { cmd.Process.Kill() })
	defer stuck.Stop()
	text := make(chan string)
	go func() { // ends when nobody has the terminal any more
		all, _ := io.ReadAll(master)
		text <- string(all)
	}()
	if do != nil {
		do()
	}
	cmd.Wait() // the caller checks the exit code
	return cmd.ProcessState.ExitCode(), <-text
}

func openTerminal(t testing.TB) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	check(t, err)
	t.Cleanup(func() { master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	check(t, err)
	check(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	check(t, err)
	check(t, unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 200}))
	return master, slave
}

// finalLines returns what is left on the terminal, without the lines of progress.
func finalLines(shown string) string {
	var left []string
	for line := range strings.SplitSeq(strings.ReplaceAll(shown, "\r\n", "\n"), "\n") {
		left = append(left, line[strings.LastIndex(line, "\x1b[K")+1:])
	}
	text := strings.ReplaceAll(strings.Join(left, "\n"), "[K", "")
	return regexp.MustCompile(`\b\d\d:\d\d:\d\d\.\d{3}\b`).ReplaceAllString(text, "TIME")
}

// fileAccount is account with the password in a file.
var fileAccount = []string{"user", user, "password-file", "/etc/ppp/secret", "noauth"}

// TestProgress: on a terminal one line shows the dial, and becomes the final one when the client goes to the
// background.
func TestProgress(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	w.write(t, "etc/secret", secret+"\n", 0o600)
	code, shown := w.runOnTerminal(t, nil, append([]string{"eth0"}, fileAccount...)...)
	// For IPv6 the client waits a second: on a busy machine it may come later.
	want := regexp.MustCompile(`^ppp0 is online after (\d+\.\d s: address 192\.0\.2\.10, peer 192\.0\.2\.1, IPv6 fe80::[0-9a-f:]+|[1-9]\d*\.\d s: address 192\.0\.2\.10, peer 192\.0\.2\.1), MTU 1492, session 1 at life-ac \([0-9a-f:]{17}\) on eth0\n$`)
	if left := finalLines(shown); code != 0 || !want.MatchString(left) {
		t.Errorf("code %d, and what is left is\n%s\nof %q", code, left, shown)
	}
	for _, stage := range []string{"eth0: looking for a concentrator, PADI sent once (0 s)", "negotiating the link (LCP)", "authentication as testuser", "requesting addresses"} {
		if !strings.Contains(shown, stage) {
			t.Errorf("no progress %q in %q", stage, shown)
		}
	}
	if strings.Contains(shown, secret) {
		t.Error("it shows the password")
	}
	w.run(t, "pppoe-client", "stop")
	w.leftNothing(t)
}

// TestProgressInForeground: after the final line the log is shown, with times.
func TestProgressInForeground(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	w.write(t, "etc/secret", secret+"\n", 0o600)
	code, shown := w.runOnTerminal(t, func() {
		w.awaitOnline(t)
		w.run(t, "pppoe-client", "stop")
	}, append([]string{"eth0", "nodetach", "noipv6"}, fileAccount...)...)
	left := finalLines(shown)
	if code != 5 || !strings.HasPrefix(left, "ppp0 is online after ") || !strings.Contains(left, "\nTIME Connection terminated.\n") || strings.Contains(left, "local  IP") {
		t.Errorf("code %d, and what is left is\n%s", code, left)
	}
}

// TestClosedPipe: a reader that goes away ends no program.
func TestClosedPipe(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	r, wr, err := os.Pipe()
	check(t, err)
	cmd := w.command("pppoe-client", append([]string{"eth0", "nodetach", "debug", "json"}, account...)...)
	cmd.Stdout, cmd.Stderr = wr, wr
	r.Close()
	check(t, w.client.Start(cmd, w.binds()...))
	wr.Close()
	w.awaitOnline(t)
	w.run(t, "pppoe-client", "stop")
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 5 {
		t.Errorf("it ended with %d: %v", code, cmd.ProcessState)
	}
	for _, args := range [][]string{{"pppoe-discovery", "-I", "eth0", "--first"}, {"pppoe-client", "--help"}} {
		r, wr, err := os.Pipe()
		check(t, err)
		cmd := w.command(args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr = wr, wr
		r.Close()
		check(t, w.client.Start(cmd, w.binds()...))
		wr.Close()
		cmd.Wait()
		if cmd.ProcessState.ExitCode() < 0 {
			t.Errorf("%q was killed: %v", args, cmd.ProcessState)
		}
	}
}

// TestLogTimes: lines have the time if that is wanted, and are else what scripts expect.
func TestLogTimes(t *testing.T) {
	for _, option := range []string{"", "log-times"} {
		w := newTestbed(t)
		w.serve(t)
		p := w.dial(t, strings.Fields(option)...)
		w.awaitOnline(t)
		p.Stop()
		timed := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} local  IP address 192\.0\.2\.10$`).MatchString(p.Log())
		plain := regexp.MustCompile(`(?m)^local  IP address 192\.0\.2\.10$`).MatchString(p.Log())
		if timed != (option != "") || plain == timed {
			t.Errorf("%q:\n%s", option, p.Log())
		}
	}
}
