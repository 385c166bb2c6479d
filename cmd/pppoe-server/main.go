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

	"upppoe/internal/config/serverconfig"
	"upppoe/internal/process/capability"
	"upppoe/internal/process/daemonize"
)

func main() { os.Exit(run(daemonize.Args())) }

func run(args []string) int {
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
	daemonize.CatchWriteSignals()
	limitGarbage()
	// These signals have a meaning for pppd; here they must not end the server.
	signal.Notify(make(chan os.Signal, 1), unix.SIGUSR1, unix.SIGUSR2)
	p := &program{flags: f, config: c}
	if err := p.openLog(warnings); err != nil {
		return fail(err)
	}
	err := p.open()
	if err == nil {
		err = p.run()
	}
	code := 0
	if err != nil {
		code = p.fail(err)
	}
	p.close()
	p.lines.Close()
	return code
}

// fail prints an error and returns its exit code.
func fail(err error) int {
	fmt.Fprintln(os.Stderr, "pppoe-server: "+err.Error())
	return exitCode(err)
}
