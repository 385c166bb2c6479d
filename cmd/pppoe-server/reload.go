package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"

	"upppoe/internal/config/pppd"
	"upppoe/internal/log/pppdlog"
	"upppoe/pppoe"
)

// reloader reads the options file and the accounts again at SIGHUP.
type reloader struct {
	flags    *flags
	settings *pppd.Settings // current
	accounts pppoe.Authenticator
	log      *slog.Logger
	lines    *pppdlog.Handler
	network  network
	server   *pppoe.Server
	mu       sync.Mutex // held while it reloads: signals and requests do
}

// onSIGHUP calls do at each SIGHUP until stop is called.
func onSIGHUP(do func()) (stop func()) {
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, unix.SIGHUP)
	// Ends with stop.
	go func() {
		for {
			select {
			case <-signals:
				do()
			case <-done:
				return
			}
		}
	}()
	return func() { signal.Stop(signals); close(done) }
}

// onSignal reloads.
func (r *reloader) onSignal() { r.reload("SIGHUP") }

// reload applies the files to sessions that begin from now on, and logs what has come of it. If the
// options are invalid, nothing changes. The log names by what it was caused.
func (r *reloader) reload(by string) (warnings []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, err := options(r.flags)
	var cfg pppoe.ServerConfig
	if err == nil {
		cfg = config(r.flags, s, r.accounts, r.log)
		err = r.server.Reconfigure(cfg)
	}
	if err != nil {
		r.log.Error(fmt.Sprintf("%s: nothing is changed, as the options are invalid: %v", by, err))
		return nil, err
	}
	warnings = s.Warnings
	if fixed := r.fixed(s); fixed != "" {
		warnings = append(warnings, fmt.Sprintf("%s: option %s takes effect when the server is restarted", by, fixed))
	}
	for _, notice := range warnings {
		r.log.Warn(notice)
	}
	s.DataPath, s.Queues, s.LogFile = r.settings.DataPath, r.settings.Queues, r.settings.LogFile
	r.network.use(s)
	r.lines.SetDebug(s.Debug || r.flags.debug)
	r.settings, r.accounts = s, cfg.Authenticator
	r.log.Info(by + ": options and accounts reloaded, for new sessions")
	return warnings, nil
}

// fixed returns an option that has changed but cannot be changed in a running server; empty if none.
func (r *reloader) fixed(s *pppd.Settings) string {
	switch before := r.settings; {
	case s.DataPath != before.DataPath:
		return "datapath"
	case s.DataPathQueues() != before.DataPathQueues():
		return "datapath-queues"
	case s.LogFile != before.LogFile:
		return "logfile"
	}
	return ""
}
