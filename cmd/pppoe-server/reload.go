package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/signal"

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

// reload applies the files to sessions that begin from now on. If the options are invalid, nothing
// changes.
func (r *reloader) reload() {
	s, err := options(r.flags)
	var cfg pppoe.ServerConfig
	if err == nil {
		cfg = config(r.flags, s, r.accounts, r.log)
		err = r.server.Reconfigure(cfg)
	}
	if err != nil {
		r.log.Error(fmt.Sprintf("SIGHUP: nothing is changed, as the options are invalid: %v", err))
		return
	}
	for _, notice := range s.Warnings {
		r.log.Warn(notice)
	}
	if fixed := r.fixed(s); fixed != "" {
		r.log.Warn(fmt.Sprintf("SIGHUP: option %s takes effect when the server is restarted", fixed))
	}
	s.DataPath, s.Queues, s.LogFile = r.settings.DataPath, r.settings.Queues, r.settings.LogFile
	r.network.use(s)
	r.lines.SetDebug(s.Debug || r.flags.debug)
	r.settings, r.accounts = s, cfg.Authenticator
	r.log.Info("SIGHUP: options and accounts reloaded, for new sessions")
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
