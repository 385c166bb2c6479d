package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/internal/mgmt/control"
	"upppoe/internal/mgmt/status"
	"upppoe/internal/mgmt/top"
)

// topInterval is the time between two reads of the clients.
var topInterval = time.Second

// showTop is the subcommand top.
func showTop(args []string) int {
	terminal := top.Terminal{In: os.Stdin, Out: os.Stdout}
	rest, err := terminalCount(args, &terminal.Count)
	var who string
	if err == nil {
		who, err = parseCommand(rest, nil)
	}
	if err == nil {
		_, err = find(who)
	}
	if err == nil {
		err = top.RunClient(top.ClientConfig{Source: topSource(who), Interval: topInterval}, terminal)
	}
	return commandExit(err)
}

// terminalCount takes --once and --count N from the arguments.
func terminalCount(args []string, n *int) (rest []string, err error) {
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--once":
			*n = 1
		case args[i] == "--count":
			i++
			if i < len(args) {
				*n, err = strconv.Atoi(args[i])
			}
			if i >= len(args) || err != nil || *n < 1 {
				return nil, &pppd.Error{Message: "--count: give the number of tables, 1 or more"}
			}
		default:
			rest = append(rest, args[i])
		}
	}
	return rest, nil
}

// topSource is the clients that a name stands for; empty: all.
type topSource string

// Clients returns their status. That there is none now is no error: one may begin.
func (s topSource) Clients() ([]status.Status, error) {
	found, err := find(string(s))
	if errors.Is(err, errNoClient) {
		return nil, nil
	}
	return found, err
}

func (s topSource) RecentEvents(pid int) (events []status.Event, err error) {
	var text bytes.Buffer
	if err := control.Request(sockets, pid, "recent", &text, answerTimeout); err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text.Bytes()) {
		var e status.Event
		if json.Unmarshal(line, &e) == nil { // a client of an earlier version does not know the request
			events = append(events, e)
		}
	}
	return events, nil
}
