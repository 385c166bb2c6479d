package daemonize

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestContextUntilSignal: the context ends with the first signal, each one is reported, and stop
// ends it as well.
func TestContextUntilSignal(t *testing.T) {
	notify := make(chan os.Signal)
	ctx, stop := ContextUntilSignal(func(s os.Signal) { notify <- s })
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT} {
		if err := unix.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
		if got := <-notify; got != s {
			t.Errorf("notified of %v, want %v", got, s)
		}
		<-ctx.Done()
	}
	stop()
	ctx, stop = ContextUntilSignal(func(os.Signal) {})
	if ctx.Err() != nil {
		t.Error("it ended before")
	}
	stop()
	if ctx.Err() == nil {
		t.Error("stop does not end it")
	}
}

// TestSignals: a signal at the terminal ends the child, which is in another session.
func TestSignals(t *testing.T) {
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGQUIT} {
		l := launch(t, "waits for a signal")
		if err := l.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		if got := l.code(t); got != int(s) {
			t.Errorf("after %v: exit code %d, want %d, as of the child", s, got, int(s))
		}
	}
}

// TestHangUp: SIGHUP is forwarded too, and ends a child that does not catch it.
func TestHangUp(t *testing.T) {
	l := launch(t, "waits for a signal")
	if err := l.Process.Signal(unix.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if got := l.code(t); got != 1 {
		t.Errorf("exit code %d, want 1", got)
	}
}
