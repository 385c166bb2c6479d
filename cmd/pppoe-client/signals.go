package main

import (
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// handleSignals handles SIGHUP, SIGUSR1 and SIGUSR2 as pppd does, until the function that it returns is
// called.
func (p *program) handleSignals() (stop func()) {
	signals := make(chan os.Signal, 4)
	done := make(chan struct{})
	signal.Notify(signals, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2)
	debug := p.settings.Debug
	// Ends with stop.
	go func() {
		for {
			select {
			case <-done:
				return
			case s := <-signals:
				switch s {
				case unix.SIGHUP:
					p.log.Info(fmt.Sprintf("Hangup (%v)", unix.SignalName(unix.SIGHUP)))
					p.ipv6.release()
					p.client.Load().Redial()
				case unix.SIGUSR1:
					debug = !debug
					p.lines.SetDebug(debug)
				case unix.SIGUSR2:
					p.log.Info("SIGUSR2 is ignored: compression is not supported")
				}
			}
		}
	}()
	return func() { signal.Stop(signals); close(done) }
}
