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

// commands are the subcommands: load, and those that talk to running clients. They are the first argument.
var commands = map[string]func(args []string) int{
	"status": showStatus,
	"doctor": doctor,
	"events": showEvents,
	"top":    showTop,
	"log":    showLog,
	"stop":   stopClients,
	"hangup": hangUpClients,
	"load":   generateLoad,
}

// answerTimeout is the time in which a client must answer, stopTimeout the time in which it must end.
const (
	answerTimeout = 30 * time.Second
	stopTimeout   = time.Minute
)

// errNoClient is wrapped by the error of find.
var errNoClient = errors.New("no pppoe-client is running")

// find queries all running clients and returns those that who names: by the peers file, the linkname,
// the device, the interface or the process ID. An empty who means all.
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
		s.PID = pid // in our PID namespace, which may not be the client's
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
	return nil, fmt.Errorf("%w for peer %s, or with an interface, link or device of that name", errNoClient, who)
}

// parseCommand parses a command's flags and the optional name of a client.
func parseCommand(args []string, flags map[string]*bool) (who string, err error) {
	for _, a := range args {
		switch flag, known := flags[a]; {
		case known:
			*flag = true
		case strings.HasPrefix(a, "-"), who != "":
			return "", &pppd.Error{Message: fmt.Sprintf("unexpected argument %q: see pppoe-client --help", a)}
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

// command applies a function to one client, or with --all to each. Without a name or --all, only one
// client may be running.
func command(args []string, how func(status.Status) error) int {
	all := false
	who, err := parseCommand(args, map[string]*bool{"--all": &all, "-a": &all})
	if err != nil {
		return fail(err)
	}
	found, err := find(who)
	if err == nil && who == "" && len(found) > 1 && !all {
		err = fmt.Errorf("%d clients are running: name one, or give --all", len(found))
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
	found, err := find(who)
	if err == nil {
		err = follow(found, "events", markEvent)
	}
	return commandExit(err)
}

// commandExit prints a command's error and returns its exit code.
func commandExit(err error) int {
	if err != nil {
		return fail(err)
	}
	return exitOK
}
