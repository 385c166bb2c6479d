// Command pppoe-client dials one PPPoE session and carries its traffic, without
// any PPP in the kernel. It is told what to do in pppd's words, and ends with
// pppd's exit codes.
package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"upppoe/internal/background"
	"upppoe/internal/journal"
	"upppoe/internal/pppd"
	"upppoe/ppp/trace"
	"upppoe/pppoe"
	"upppoe/tun"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) == 0 || wantsHelp(args) {
		return help()
	}
	if args[0] == "stop" && len(args) == 2 {
		return stop(args[1])
	}
	s, err := settings(args)
	if err != nil {
		return fail(err)
	}
	if s.NoDetach || os.Getpid() == 1 || background.IsCopy() {
		return dial(s)
	}
	code, err := background.Launch()
	if err != nil {
		return fail(err)
	}
	return code
}

// settings reads files and command line.
func settings(args []string) (*pppd.Settings, error) {
	s := pppd.New()
	r := pppd.Reader{Role: pppd.Client, Settings: s}
	home, _ := os.UserHomeDir()
	if err := r.Defaults(home); err != nil {
		return nil, err
	}
	if err := r.CommandLine(args); err != nil {
		return nil, err
	}
	if s.Interface == "" {
		return nil, &pppd.Error{Message: "no interface is named: give the Ethernet interface to dial on, like eth0"}
	}
	return s, nil
}

// dial runs the client until it ends.
func dial(s *pppd.Settings) int {
	lines, closeLog, err := journal.Open(s.Debug, s.LogFile, "pppoe-client", background.IsCopy())
	if err != nil {
		return fail(err)
	}
	defer closeLog()
	log := slog.New(lines)
	for _, notice := range s.Notices {
		log.Warn(notice)
	}
	if s.Plugin {
		log.Info("Plugin rp-pppoe.so loaded.")
	}
	if err := errors.Join(tun.Check(), tun.CheckName(deviceName(s))); err != nil {
		return report(log, err)
	}
	cfg, err := config(s, log)
	if err != nil {
		return report(log, err)
	}
	j := &journal.Journal{Log: log, Trace: trace.Options{ShowPassword: s.ShowPassword}}
	online := newOnline(s, func() {
		lines.Drop(os.Stderr)
		background.Ready()
	})
	cfg.Notify = func(l pppoe.Line, e pppoe.Event) {
		j.Notify(l, e)
		online.heed(e)
	}
	ctx, stop := background.UntilSignal(func(signal os.Signal) {
		log.Info(fmt.Sprintf("Terminating on signal %d", signal))
	})
	defer stop()
	code := report(log, pppoe.NewClient(cfg).Run(ctx))
	log.Info("Exit.")
	return code
}

// fail tells of an error before there is a log.
func fail(err error) int {
	fmt.Fprintln(os.Stderr, "pppoe-client: "+err.Error())
	return exitCode(err)
}

// report tells why the client ended, unless that was asked for.
func report(log *slog.Logger, err error) int {
	end := (*pppoe.EndError)(nil)
	if !errors.As(err, &end) || end.Err != nil {
		log.Error(err.Error())
	}
	return exitCode(err)
}
