package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/config/pppd"
	"upppoe/internal/mgmt/control"
	"upppoe/internal/mgmt/status"
)

// aliases are those by which the program does what another one does.
var aliases = map[string]func(args []string) int{
	"pppd": func(args []string) int { return start(args, pppd.DetachNow) },
	"pon":  pon,
	"poff": poff,
	"plog": plog,
}

// defaultPeer is what pon calls if it is not told.
const defaultPeer = "provider"

const ponUsage = `usage: pon [PEER [OPTION...]]
  dial as /etc/ppp/peers/PEER says (default ` + defaultPeer + `), with further options of pppd
`

// pon calls a peer, with further options of pppd behind it.
func pon(args []string) int {
	if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		fmt.Fprint(os.Stderr, ponUsage)
		return exitOK // as pon has it
	}
	if len(args) == 0 {
		args = []string{defaultPeer}
	}
	if _, err := os.Stat(filepath.Join(etc, "peers", args[0])); errors.Is(err, fs.ErrNotExist) {
		return fail(fmt.Errorf("there is no file %s: it should say how to dial", filepath.Join(etc, "peers", args[0])))
	}
	args = append([]string{"call"}, args...)
	if filepath.Base(os.Args[0]) == "pon" {
		becomePPPD(args)
	}
	return start(args, pppd.DetachNow)
}

// becomePPPD has this process be pppd to others, who look for it by that name and its arguments.
// It returns only if that fails, and then there is no harm in another name.
func becomePPPD(args []string) {
	if self, err := os.Executable(); err == nil {
		unix.Exec(self, append([]string{"pppd"}, args...), os.Environ())
	}
}

const poffUsage = `usage: poff [-r | -d | -a] [PEER]
  without options: end the session of PEER, or the only one there is
  -r  hang up, and dial again if the session persists
  -d  switch the log of packets on or off
  -a  end all sessions
  -v  print the version
`

// poff ends sessions, or has them do something else. Its exit code is 1 if there is none.
func poff(args []string) int {
	how, all := quit, false
	for ; len(args) > 0 && strings.HasPrefix(args[0], "-"); args = args[1:] {
		switch args[0] {
		case "-r":
			how = send(unix.SIGHUP)
		case "-d":
			how = send(unix.SIGUSR1)
		case "-c":
			how = send(unix.SIGUSR2)
		case "-a":
			all = true
		default:
			fmt.Fprint(os.Stderr, poffUsage)
			return exitFatal // as poff has it
		}
	}
	who := ""
	if len(args) > 0 {
		who = args[0]
	}
	found, err := find(who)
	if err == nil && len(found) > 1 && !all {
		err = fmt.Errorf("%d sessions are open: name one, or say -a; nothing was done", len(found))
	}
	if err == nil {
		err = each(found, how)
	}
	return commandExit(err)
}

// quit ends a program, and waits until it has ended. Somebody who must wait is told for what: a
// concentrator that does not answer is asked to end the session more than once.
func quit(s status.Status) error {
	defer time.AfterFunc(stopNotice, func() {
		fmt.Fprintf(os.Stderr, "%s (process %d) is about to end: waiting up to %v for its concentrator, servers and scripts\n", cmp.Or(s.Call, s.Attachment), s.PID, stopTimeout)
	}).Stop()
	err := control.Request(sockets, s.PID, "stop", os.Stdout, stopTimeout)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("it has not ended after %v: kill -9 %d ends it, and the next client ends its session", stopTimeout, s.PID)
	}
	return err
}

// stopNotice is how long the end of a client takes at most if all is well.
const stopNotice = time.Second

func send(n unix.Signal) func(status.Status) error {
	return func(s status.Status) error { return unix.Kill(s.PID, n) }
}

func each(found []status.Status, do func(status.Status) error) error {
	var errs []error
	for _, s := range found {
		if err := do(s); err != nil {
			errs = append(errs, fmt.Errorf("process %d: %w", s.PID, err))
		}
	}
	return errors.Join(errs...)
}

const plogUsage = `usage: plog [-f] [-n LINES] [PEER]
  show the log of the sessions there are, or of those that have ended
  -f  and what they log from now on
  -n  only so many of the last lines
`
