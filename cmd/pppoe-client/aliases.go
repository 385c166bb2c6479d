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

// aliases are names of other programs, like which the program works if it is called by one of them.
var aliases = map[string]func(args []string) int{
	"pppd": func(args []string) int { return start(args, pppd.DetachNow) },
	"pon":  pon,
	"poff": poff,
	"plog": plog,
}

// defaultPeer is the peer that pon calls without arguments.
const defaultPeer = "provider"

const ponUsage = `usage: pon [PEER [OPTION...]]
  dial as /etc/ppp/peers/PEER says (default ` + defaultPeer + `), with further options of pppd
`

// pon calls a peer, with further options of pppd after it.
func pon(args []string) int {
	if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		fmt.Fprint(os.Stderr, ponUsage)
		return exitOK // like pon
	}
	if len(args) == 0 {
		args = []string{defaultPeer}
	}
	if _, err := os.Stat(filepath.Join(etc, "peers", args[0])); errors.Is(err, fs.ErrNotExist) {
		return fail(fmt.Errorf("file %s does not exist: create it with the options of the peer", filepath.Join(etc, "peers", args[0])))
	}
	args = append([]string{"call"}, args...)
	if filepath.Base(os.Args[0]) == "pon" {
		becomePPPD(args)
	}
	return start(args, pppd.DetachNow)
}

// becomePPPD executes the program again as pppd, as other programs look for a process of that name and
// arguments. It returns only if that fails.
func becomePPPD(args []string) {
	if self, err := os.Executable(); err == nil {
		unix.Exec(self, append([]string{"pppd"}, args...), os.Environ())
	}
}

const poffUsage = `usage: poff [-r | -d | -a] [PEER]
  without options: end the session of PEER, or the only one
  -r  end the session, and redial with option persist
  -d  turn the log of packets on or off
  -a  end all sessions
  -v  print the version
`

// poff ends sessions, or sends a signal to their clients. Its exit code is 1 if there is none.
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
			return exitFatal // like poff
		}
	}
	who := ""
	if len(args) > 0 {
		who = args[0]
	}
	found, err := find(who)
	if err == nil && len(found) > 1 && !all {
		err = fmt.Errorf("%d sessions are open: name one, or give -a; nothing was done", len(found))
	}
	if err == nil {
		err = each(found, how)
	}
	return commandExit(err)
}

// quit ends a client and waits for that. If it takes long, it prints what it waits for: Terminate-Requests
// to a concentrator that does not answer are repeated.
func quit(s status.Status) error {
	defer time.AfterFunc(stopNotice, func() {
		fmt.Fprintf(os.Stderr, "%s (process %d) is terminating: waiting up to %v for its concentrator, servers and scripts\n", cmp.Or(s.Call, s.Attachment), s.PID, stopTimeout)
	}).Stop()
	err := control.Request(sockets, s.PID, "stop", os.Stdout, stopTimeout)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("still running after %v: end it with kill -9 %d; the next client then ends its session", stopTimeout, s.PID)
	}
	return err
}

// stopNotice is the time after which quit prints that it waits. A client usually ends faster.
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
  show the log of running clients, or of those that have ended
  -f  follow: also show new lines
  -n  show only the last LINES lines
`
