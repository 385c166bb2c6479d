package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"upppoe/internal/config/pppd"
	"upppoe/internal/log/rotatelog"
	"upppoe/internal/mgmt/control"
	"upppoe/internal/mgmt/status"
)

// allLines requests all lines of a log.
const allLines = -1

// logRequest says which clients' logs to show, and how much of them.
type logRequest struct {
	who    string
	follow bool
	lines  int
}

// parseLog parses the arguments of log and plog, whose flags are those of tail.
func parseLog(args []string) (q logRequest, err error) {
	q.lines = allLines
	var rest []string
	for i := 0; i < len(args); i++ {
		count, counts := strings.CutPrefix(args[i], "-n")
		if count == "" && counts && i+1 < len(args) {
			i++
			count = args[i]
		}
		if short := strings.TrimPrefix(args[i], "-"); !counts && short != args[i] {
			if _, bad := strconv.ParseUint(short, 10, 31); bad == nil { // tail -25
				count, counts = short, true
			}
		}
		if !counts {
			rest = append(rest, args[i])
			continue
		}
		n, bad := strconv.ParseUint(count, 10, 31)
		if bad != nil {
			return q, &pppd.Error{Message: fmt.Sprintf("-n %q: give a number of lines", count)}
		}
		q.lines = int(n)
	}
	q.who, err = parseCommand(rest, map[string]*bool{"--follow": &q.follow, "-f": &q.follow})
	return q, err
}

// showLog shows the log of running clients, or, if none has that name, the kept logs of those that have
// ended.
func showLog(args []string) int {
	q, err := parseLog(args)
	if err != nil {
		return fail(err)
	}
	question := "log"
	if q.follow {
		question = "follow"
	}
	if q.lines != allLines {
		question += " " + strconv.Itoa(q.lines)
	}
	found, err := find(q.who)
	switch {
	case err == nil && q.follow:
		err = follow(found, question, markLog)
	case err == nil:
		err = each(found, func(s status.Status) error { return control.Request(sockets, s.PID, question, os.Stdout, 0) })
	case errors.Is(err, errNoClient) && !q.follow && q.showKept():
		err = nil
	}
	return commandExit(err)
}

// plog shows the log like command log.
func plog(args []string) int { return showLog(args) }

// keptLogs returns the directory of kept logs.
func keptLogs() string { return filepath.Join(sockets, "log") }

// showKept shows logs of clients that have ended, and reports whether there are any.
func (q logRequest) showKept() bool {
	names := rotatelog.Names(keptLogs())
	if q.who != "" {
		names = slices.DeleteFunc(names, func(name string) bool { return name != strings.ReplaceAll(q.who, "/", "_") })
	}
	shown := false
	for _, name := range names {
		text, err := rotatelog.Read(keptLogs(), name, q.lines)
		if err != nil {
			continue // removed meanwhile
		}
		if len(names) > 1 {
			fmt.Printf("==> %s <==\n", name)
		}
		os.Stdout.Write(text)
		shown = true
	}
	return shown
}
