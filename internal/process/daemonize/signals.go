package daemonize

import (
	"context"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// forwardSignals forwards signals to the child, so that the program can be ended from the
// terminal.
func forwardSignals(signals <-chan os.Signal, p *os.Process) (stop func()) {
	done := make(chan struct{})
	// Ends with stop.
	go func() {
		for {
			select {
			case s := <-signals:
				p.Signal(s)
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

// CatchWriteSignals catches SIGPIPE and SIGXFSZ, so that writing to a closed pipe, or beyond the
// maximum file size, is only an error. Unlike ignored signals, caught ones have their default
// action in programs that it starts.
func CatchWriteSignals() { signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE, unix.SIGXFSZ) }

// ContextUntilSignal returns a context that ends at SIGTERM, SIGINT or SIGQUIT, after notify was
// called with it. The returned function ends it too.
func ContextUntilSignal(notify func(signal os.Signal)) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGQUIT)
	// Ends with the program: further signals are reported too.
	go func() {
		for s := range signals {
			notify(s)
			cancel()
		}
	}()
	return ctx, func() { signal.Stop(signals); cancel() }
}
