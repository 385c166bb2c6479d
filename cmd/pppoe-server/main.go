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
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"upppoe/internal/config/pppd"
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
	if err := capability.SetNotDumpable(); err != nil {
		return fail(err)
	}
	s, err := options(f)
	if err != nil {
		return fail(err)
	}
	if f.foreground || s.Detach == pppd.DetachNever || os.Getpid() == 1 || daemonize.IsChild() {
		return serve(f, s)
	}
	code, err := daemonize.Launch(args)
	if err != nil {
		return fail(err)
	}
	return code
}

// serve runs the server until it ends.
func serve(f *flags, s *pppd.Settings) int {
	daemonize.CatchWriteSignals()
	limitGarbage()
	// These signals have a meaning for pppd; here they must not end the server.
	signal.Notify(make(chan os.Signal, 1), unix.SIGUSR1, unix.SIGUSR2)
	lines, err := pppdlog.Open(s.Debug || f.debug, s.LogFile, filepath.Base(os.Args[0]), daemonize.IsChild())
	if err != nil {
		return fail(err)
	}
	defer lines.Close()
	ring := control.NewLogRing()
	lines.AddUnqueued(ring)
	log := slog.New(lines)
	fail := func(err error) int { return end(err, lines) }
	for _, notice := range slices.Concat(f.warnings, s.Warnings) {
		log.Warn(notice)
	}
	if few := raiseOpenFileLimit(openFiles(f, s), f.max); few != "" {
		log.Warn(few)
	}
	opener := &linux.Opener{DataPath: s.DataPath, Queues: s.DataPathQueues(), MaxSessions: f.max, StateDir: s.StateDir, Log: log}
	defer opener.Close()
	listeners, err := listen(f, opener)
	if err != nil {
		return fail(err)
	}
	failed, fatal := context.WithCancelCause(context.Background())
	network, err := newNetwork(f, s, fatal, log)
	if err != nil {
		return fail(err)
	}
	defer network.close()
	socket, err := openControl(f.control, ring, log)
	if err != nil {
		return fail(err)
	}
	defer socket.close()
	// Before the accounts are read: a file that the server could not read again later must be reported
	// now, not when it changes.
	dropCapabilities(log, f.ipv6.wanted() && !f.device.shared, s.DataPath)
	cfg := config(f, s, nil, log)
	j := &pppdlog.EventLogger{Log: log, Trace: trace.Options{ShowPassword: s.ShowPassword}, Server: true, NoIPv4: s.NoIP}
	network.configure(&cfg)
	cfg.Notify = func(l pppoe.SessionInfo, e pppoe.Event) {
		j.Notify(l, e)
		network.notify(l, e)
		socket.notify(l, e)
	}
	server, err := pppoe.NewServer(cfg, listeners)
	if err != nil {
		return fail(err)
	}
	network.start(server)
	ctx, stop := daemonize.ContextUntilSignal(func(signal os.Signal) {
		log.Info(fmt.Sprintf("Terminating on signal %d -- killing all PPPoE sessions", signal))
		network.hurry()
	})
	defer stop()
	defer context.AfterFunc(failed, stop)()
	reload := &reloader{flags: f, settings: s, accounts: cfg.Authenticator, log: log, lines: lines, network: network, server: server}
	defer onSIGHUP(reload.onSignal)()
	info := servercontrol.Info{ACName: cfg.Concentrator.ACName}
	for _, l := range listeners {
		info.Interfaces = append(info.Interfaces, strings.TrimSuffix(listenerName(l), ","))
		log.Info(fmt.Sprintf("Serving on %s as %q, %d sessions at most", listenerName(l), cfg.Concentrator.ACName, cfg.Pool.Max))
	}
	for _, name := range f.interfaces {
		if short := mtuWarning(s, afpacket.Attachment{Interface: name, VLAN: f.widestTags()}); short != "" {
			log.Warn(short)
		}
	}
	if f.pidFile != "" {
		dir, name := filepath.Dir(f.pidFile), filepath.Base(f.pidFile)
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
	socket.start(server, info, func() ([]string, error) { return reload.reload("reload") }, func() []servercontrol.Pool { return f.usedPools(server) })
	unwatch := watchInterfaces(ctx, f.interfaces, server, log)
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
