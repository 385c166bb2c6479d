package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"

	"upppoe/internal/config/serverconfig"
	"upppoe/internal/log/pppdlog"
	"upppoe/pppoe"
)

// reloader reads the configuration and the accounts again at SIGHUP.
type reloader struct {
	flags     *flags
	current   *serverconfig.Config
	accounts  pppoe.Authenticator
	log       *slog.Logger
	lines     *pppdlog.Handler
	network   network
	radius    *radiusService
	web       *webPage
	server    *pppoe.Server
	allActive *allActive
	overlaps  *framedOverlaps
	mu        sync.Mutex // held while it reloads: signals and requests do
}

// onSignal calls do at each signal of a kind until stop is called.
func onSignal(kind os.Signal, do func()) (stop func()) {
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, kind)
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

// onSIGHUP reloads.
func (r *reloader) onSIGHUP() { r.reload("SIGHUP") }

// reload applies the files to sessions that begin from now on, and logs what has come of it. If they have
// an error, nothing changes. The log names by what it was caused.
func (r *reloader) reload(by string) (warnings []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer notifyReload()()
	c, warnings, err := r.flags.load()
	var cfg pppoe.ServerConfig
	var useRADIUS, useWeb func()
	var accounts pppoe.Authenticator
	if err == nil {
		warnings = append(warnings, r.keepFixed(c, by)...)
		useRADIUS, err = r.radius.prepare(c)
	}
	if err == nil {
		useWeb, err = r.web.prepare()
	}
	if err == nil {
		cfg = serverConfig(c, r.accounts, r.log)
		r.radius.configure(&cfg)
		accounts = cfg.Authenticator
		r.allActive.configure(&cfg)
		err = r.server.Reconfigure(cfg)
	}
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			r.log.Error(fmt.Sprintf("%s: nothing is changed, as the configuration is invalid: %s", by, strings.TrimSuffix(line, "\n")))
		}
		return nil, err
	}
	for _, notice := range warnings {
		r.log.Warn(notice)
	}
	r.network.use(c)
	r.overlaps.use(c)
	useRADIUS()
	useWeb()
	r.lines.SetDebug(c.Options.Debug)
	r.current, r.accounts = c, accounts
	r.log.Info(by + ": options and accounts reloaded, for new sessions")
	return warnings, nil
}

// keepFixed keeps what cannot change in a running server, and returns a warning if the configuration has
// something else.
func (r *reloader) keepFixed(c *serverconfig.Config, by string) []string {
	var names []string
	for _, key := range c.KeepFixed(r.current) {
		names = append(names, r.flags.label(key))
	}
	if r.allActive.keepPools(c, r.current) {
		names = append(names, "pool")
	}
	if names == nil {
		return nil
	}
	return []string{fmt.Sprintf("%s: a change of %s takes effect at an upgrade, which keeps sessions, or at a restart", by, strings.Join(names, ", "))}
}
