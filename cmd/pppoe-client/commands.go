package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/internal/mgmt/control"
	"upppoe/internal/mgmt/status"
)

// commands are words that come first on the command line, and talk to a client that
// runs.
var commands = map[string]func(args []string) int{
	"status": showStatus,
	"events": showEvents,
	"log":    showLog,
	"stop":   stopClients,
	"hangup": hangUpClients,
}

// answerTimeout is how long a client may take to answer, and stopTimeout how long it may take to
// end.
const (
	answerTimeout = 30 * time.Second
	stopTimeout   = time.Minute
)

// errNoClient is wrapped by the error of find.
var errNoClient = errors.New("no pppoe-client runs")

// find asks the clients that run who they are, and returns those that somebody means: by
// the peers file, the linkname, the device, the line or the process. Empty: all.
func find(who string) (found []status.Status, err error) {
	programs, err := control.PIDs(sockets)
	if err != nil {
		return nil, err
	}
	for _, pid := range programs {
		var text bytes.Buffer
		var s status.Status
		if control.Request(sockets, pid, "status", &text, answerTimeout) != nil || json.Unmarshal(text.Bytes(), &s) != nil {
			continue // it has just ended
		}
		s.PID = pid // as we see it, who may be in another namespace
		if who == "" || slices.Contains([]string{s.Call, s.Link, s.Device, s.Attachment, strconv.Itoa(pid)}, who) {
			found = append(found, s)
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case who == "":
		return nil, errNoClient
	}
	return nil, fmt.Errorf("%w that was told to call %s, or has a line, link or device of that name", errNoClient, who)
}

// parseCommand takes a command's flags, and the name of the client that is meant.
func parseCommand(args []string, flags map[string]*bool) (who string, err error) {
	for _, a := range args {
		switch flag, known := flags[a]; {
		case known:
			*flag = true
		case strings.HasPrefix(a, "-"), who != "":
			return "", &pppd.Error{Message: fmt.Sprintf("%q is not understood here: see pppoe-client --help", a)}
		default:
			who = a
		}
	}
	return who, nil
}

func stopClients(args []string) int { return command(args, quit) }

func hangUpClients(args []string) int {
	return command(args, func(s status.Status) error {
		return control.Request(sockets, s.PID, "hangup", os.Stdout, answerTimeout)
	})
}

// command has a client do something. Which one must be clear.
func command(args []string, how func(status.Status) error) int {
	all := false
	who, err := parseCommand(args, map[string]*bool{"--all": &all, "-a": &all})
	if err != nil {
		return fail(err)
	}
	found, err := find(who)
	if err == nil && who == "" && len(found) > 1 && !all {
		err = fmt.Errorf("%d clients run: name one, or say --all", len(found))
	}
	if err == nil {
		err = each(found, how)
	}
	return commandExit(err)
}

func showStatus(args []string) int {
	asJSON := false
	who, err := parseCommand(args, map[string]*bool{"--json": &asJSON})
	if err != nil {
		return fail(err)
	}
	found, err := find(who)
	if asJSON && (err == nil || errors.Is(err, errNoClient)) {
		if found == nil {
			found = []status.Status{}
		}
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		encoder.Encode(found)
	}
	if err != nil {
		return fail(err)
	}
	if !asJSON {
		for _, s := range found {
			s.WriteTo(os.Stdout)
		}
	}
	return exitOK
}

func showEvents(args []string) int {
	who, err := parseCommand(args, nil)
	if err != nil {
		return fail(err)
	}
	return query(who, "events")
}

// commandExit is the exit code of a command that has come to its end.
func commandExit(err error) int {
	if err != nil {
		return fail(err)
	}
	return exitOK
}

// query copies what clients answer, of several one after the other.
func query(who, question string) int {
	found, err := find(who)
	if err == nil {
		err = each(found, func(s status.Status) error {
			return control.Request(sockets, s.PID, question, os.Stdout, 0)
		})
	}
	return commandExit(err)
}
