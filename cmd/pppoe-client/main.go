// Command pppoe-client dials one PPPoE session and forwards its traffic in user space or eBPF, without
// PPP in the kernel. Its options and exit codes are pppd's. Called as pppd, pon, poff or plog it works
// like those.
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"upppoe/internal/config/completion"
	"upppoe/internal/config/pppd"
	"upppoe/internal/host/ifname"
	"upppoe/internal/process/argv"
	"upppoe/internal/process/capability"
	"upppoe/internal/process/daemonize"
)

func main() {
	daemonize.CatchWriteSignals()
	args, name := daemonize.Args(), filepath.Base(os.Args[0])
	hidePasswords(os.Args[1:])
	daemonize.SetProcessName(name)
	os.Exit(run(name, args))
}

// hidePasswords overwrites passwords in the process list.
func hidePasswords(shown []string) {
	for _, p := range pppd.SecretParts(shown) {
		argv.Hide(shown[p.Word], p.From)
	}
}

func run(name string, args []string) int {
	if len(args) > 0 && args[0] == completion.Request {
		return commandExit(completion.Write(os.Stdout, syntax(), completionValues, args[1:]))
	}
	if aliases[name] == nil && len(args) > 0 && isProgram(args[0]) {
		return execProgram(args)
	}
	if code, answered := printInfo(name, args); answered {
		return code
	}
	if as, ok := aliases[name]; ok {
		return as(args)
	}
	if as, ok := commands[args[0]]; ok {
		return as(args[1:])
	}
	if near := (&pppd.Reader{Role: pppd.Client}).MisspeltCommand(args[0], slices.Sorted(maps.Keys(commands))); near != "" {
		return fail(&pppd.Error{Message: fmt.Sprintf("there is no command %q: use %s (see pppoe-client --help)", args[0], near)})
	}
	return start(args, pppd.DetachOnline)
}

// start dials, in this process or in the background. usual is when to go to the background by default.
func start(args []string, usual pppd.Detach) int {
	if err := capability.SetNotDumpable(); err != nil {
		return fail(err)
	}
	s, err := settings(args)
	if err != nil {
		return fail(err)
	}
	if s.ShowOptions {
		pppd.WriteOptions(os.Stdout, pppd.Client)
		return exitOK
	}
	if s.Dump && !daemonize.IsChild() { // the process that has started the copy has written it
		s.WriteDump(os.Stdout)
	}
	if s.DryRun {
		for _, notice := range s.Warnings {
			fmt.Fprintln(os.Stderr, notice)
		}
		return exitOK
	}
	if s.Detach == pppd.DetachDefault {
		s.Detach = usual
	}
	if s.Detach == pppd.DetachNever || os.Getpid() == 1 || daemonize.IsChild() {
		return dial(s)
	}
	code, err := daemonize.Launch(args)
	if err != nil {
		return fail(err)
	}
	return code
}

// settings reads option files and the command line.
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
	if s.Interface == "" && !s.ShowOptions {
		return nil, &pppd.Error{Message: strings.Join(append([]string{"no interface given: name the Ethernet interface to dial on, like eth0"}, s.Warnings...), "; ")}
	}
	s.Warnings = append(s.Warnings, s.IneffectiveOptions(pppd.Client)...)
	s.Interface, _ = ifname.KernelName(s.Interface)
	return s, nil
}

// fail prints an error when there is no log yet, and returns its exit code.
func fail(err error) int {
	fmt.Fprintln(os.Stderr, "pppoe-client: "+err.Error())
	return exitCode(err)
}
