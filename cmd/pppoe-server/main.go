// Command pppoe-server is a PPPoE access concentrator (AC) that needs no PPP in the kernel. Its flags are
// rp-pppoe's; its options file and accounts are pppd's.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"upppoe/internal/config/completion"
	"upppoe/internal/process/capability"
	"upppoe/internal/process/daemonize"
	"upppoe/internal/state/handover"
)

func main() {
	daemonize.CatchWriteSignals()
	os.Exit(run(daemonize.Args()))
}

func run(args []string) int {
	if len(args) > 0 && args[0] == handover.Command {
		return startAs(args[1:], takeOver)
	}
	if len(args) > 0 && args[0] == completion.Request {
		return commandExit(completion.Write(os.Stdout, syntax(), completionValues, args[1:]))
	}
	if c := findCommand(args); c != nil {
		return c.run(args[1:])
	}
	if len(args) > 0 && args[0] == "help" {
		return run(append(slices.Clip(args[1:]), "--help"))
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
		return startAs(args, func(start handover.Program) int {
			return serve(&program{args: args, flags: f, config: c, start: start, inherited: storedFiles()}, warnings)
		})
	}
	code, err := daemonize.Launch(args)
	if err != nil {
		return fail(err)
	}
	return code
}

// startAs calls a function with how the program was started.
func startAs(args []string, do func(handover.Program) int) int {
	start, err := handover.ThisProgram(args)
	if err != nil {
		return fail(err)
	}
	return do(start)
}

// serve runs the server until it ends.
func serve(p *program, warnings []string) int {
	limitMemory(p.config.Metrics.Profiles)
	// These signals have a meaning for pppd; here they must not end the server before it handles them.
	signal.Notify(make(chan os.Signal, 1), unix.SIGUSR1, unix.SIGUSR2)
	p.upgrades = &upgrader{program: p}
	err := p.openLog(warnings)
	if err != nil {
		return p.failToOpen(err)
	}
	if err = p.awaitTurn(); err == nil {
		err = p.open()
	}
	if err != nil && p.isSecond() {
		return p.failToOpen(err)
	}
	if err == nil {
		err = p.run()
	}
	if done := p.upgrades.successor(); done != nil {
		return p.afterUpgrade(done)
	}
	if p.left.Load() {
		return p.afterLeaving()
	}
	code := 0
	if err != nil && !errors.Is(err, errStopped) {
		code = p.fail(err)
	}
	p.close()
	p.lines.Close()
	return code
}

// failToOpen ends a program that cannot serve. It undoes nothing: a predecessor goes on with all of it.
func (p *program) failToOpen(err error) int {
	if p.isSecond() {
		return refuse(p.before.Successor, err)
	}
	return fail(err)
}

// fail prints an error and returns its exit code.
func fail(err error) int {
	fmt.Fprintln(os.Stderr, "pppoe-server: "+err.Error())
	return exitCode(err)
}
