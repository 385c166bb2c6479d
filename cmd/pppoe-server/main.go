// Command pppoe-server is a PPPoE access concentrator (AC) that needs no PPP in the kernel. Its flags are
// rp-pppoe's; its options file and accounts are pppd's.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"upppoe/internal/config/serverconfig"
	"upppoe/internal/log/pppdlog"
	"upppoe/internal/mgmt/control"
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/process/capability"
	"upppoe/internal/process/daemonize"
	"upppoe/internal/process/pidfile"
	"upppoe/ppp/trace"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/linux"
)

func main() { os.Exit(run(daemonize.Args())) }

func run(args []string) int {
	if c := findCommand(args); c != nil {
		return c.run(args[1:])
	}
	f, err := parseFlags(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return 0
	case err != nil:
		return fail(err)
	}
	if f.checkPool {
		return checkPoolFile(f.poolFile)
	}
	if err := capability.SetNotDumpable(); err != nil {
		return fail(err)
	}
	c, warnings, err := f.load()
	if err != nil {
		return fail(err)
	}
	if c.Server.Foreground || os.Getpid() == 1 || daemonize.IsChild() {
		return serve(f, c, warnings)
	}
	code, err := daemonize.Launch(args)
	if err != nil {
		return fail(err)
	}
	return code
}

// serve runs the server until it ends.
func serve(f *flags, c *serverconfig.Config, warnings []string) int {
	s := c.Options
	daemonize.CatchWriteSignals()
	limitGarbage()
	// These signals have a meaning for pppd; here they must not end the server.
	signal.Notify(make(chan os.Signal, 1), unix.SIGUSR1, unix.SIGUSR2)
	lines, err := pppdlog.Open(s.Debug, s.LogFile, filepath.Base(os.Args[0]), daemonize.IsChild())
	if err != nil {
		return fail(err)
	}
	defer lines.Close()
	ring := control.NewLogRing()
	lines.AddUnqueued(ring)
	log := slog.New(lines)
	fail := func(err error) int { return end(err, lines) }
	for _, notice := range warnings {
		log.Warn(notice)
	}
	if few := raiseOpenFileLimit(openFiles(c), c.Sessions.Max); few != "" {
		log.Warn(few)
	}
	opener := &linux.Opener{DataPath: s.DataPath, Queues: s.DataPathQueues(), MaxSessions: c.Sessions.Max, StateDir: s.StateDir, Log: log}
	defer opener.Close()
	listeners, err := listen(c, opener)
	if err != nil {
		return fail(err)
	}
	failed, fatal := context.WithCancelCause(context.Background())
	network, err := newNetwork(c, fatal, log)
	if err != nil {
		return fail(err)
	}
	defer network.close()
	socket, err := openControl(c.Control, ring, log)
	if err != nil {
		return fail(err)
	}
	defer socket.close()
	aaa, err := newRADIUS(c, log)
	if err != nil {
		return fail(err)
	}
	defer aaa.close()
	// Before the accounts are read: a file that the server could not read again later must be reported
	// now, not when it changes.
	dropCapabilities(log, (len(c.IPv6.Prefixes()) > 0 || len(c.RADIUS.Servers) > 0) && !c.Device.Shared, s.DataPath)
	cfg := serverConfig(c, nil, log)
	aaa.configure(&cfg)
	j := &pppdlog.EventLogger{Log: log, Trace: trace.Options{ShowPassword: s.ShowPassword}, Server: true, NoIPv4: s.NoIP}
	network.configure(&cfg)
	cfg.Notify = func(l pppoe.SessionInfo, e pppoe.Event) {
		j.Notify(l, e)
		network.notify(l, e)
		socket.notify(l, e)
		aaa.notify(l, e)
	}
	server, err := pppoe.NewServer(cfg, listeners)
	if err != nil {
		return fail(err)
	}
	network.start(server)
	stopMetrics, err := serveMetrics(c.Metrics, server, log)
	if err != nil {
		return fail(err)
	}
	defer stopMetrics()
	if err := aaa.start(server); err != nil {
		return fail(err)
	}
	ctx, stop := daemonize.ContextUntilSignal(func(signal os.Signal) {
		log.Info(fmt.Sprintf("Terminating on signal %d -- killing all PPPoE sessions", signal))
		network.hurry()
		aaa.stopping()
	})
	defer stop()
	defer context.AfterFunc(failed, stop)()
	reload := &reloader{flags: f, current: c, accounts: cfg.Authenticator, log: log, lines: lines, network: network, radius: aaa, server: server}
	defer onSIGHUP(reload.onSignal)()
	info := servercontrol.Info{ACName: cfg.Concentrator.ACName}
	for _, l := range listeners {
		info.Interfaces = append(info.Interfaces, strings.TrimSuffix(listenerName(l), ","))
		log.Info(fmt.Sprintf("Serving on %s as %q, %d sessions at most", listenerName(l), cfg.Concentrator.ACName, cfg.Pool.Max))
	}
	for _, on := range c.Interfaces {
		if short := mtuWarning(s, afpacket.Attachment{Interface: on.Name, VLAN: widestTags(on.VLANs)}); short != "" {
			log.Warn(short)
		}
	}
	if path := c.Server.PIDFile; path != "" {
		dir, name := filepath.Dir(path), filepath.Base(path)
		if err := pidfile.Write(dir, name); err != nil {
			return fail(err)
		}
		defer pidfile.Remove(dir, name)
	}
	if daemonize.IsChild() {
		lines.Flush()
		lines.Remove(os.Stderr)
		daemonize.Ready()
	}
	go returnMemory(ctx) // ends with ctx
	socket.start(server, info, func() ([]string, error) { return reload.reload("reload") }, func() []servercontrol.Pool { return usedPools(c, server) })
	unwatch := watchInterfaces(ctx, c.Interfaces, server, log)
	err = server.Run(ctx)
	unwatch()
	for reason, n := range server.Drops() {
		log.Info(fmt.Sprintf("Dropped %d packets: %v", n, reason))
	}
	if err == nil {
		err = context.Cause(failed)
	}
	if err != nil {
		return fail(err)
	}
	return 0
}

// end logs why the server has ended, and also prints it if the terminal does not show the log.
func end(err error, lines *pppdlog.Handler) int {
	slog.New(lines).Error(err.Error())
	if lines.Has(os.Stderr) {
		return exitCode(err)
	}
	return fail(err)
}

// fail prints an error and returns its exit code.
func fail(err error) int {
	fmt.Fprintln(os.Stderr, "pppoe-server: "+err.Error())
	return exitCode(err)
}
