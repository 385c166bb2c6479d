package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"upppoe/internal/mgmt/control"
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/table"
)

// plainCommand parses a command that has only the flags --json and --socket, and finds the server.
func plainCommand(name string, args []string, asJSON *bool) (socket string, code int, ok bool) {
	set := commandFlags(name)
	if asJSON != nil {
		set.BoolVar(asJSON, "json", false, "print JSON; see JSON in the manual")
	}
	addSocketFlag(set, &socket)
	if code, ok = parseCommand(set, args); !ok {
		return "", code, false
	}
	err := noArguments(set.Args())
	if err == nil {
		socket, err = findSocket(socket)
	}
	if err != nil {
		return "", fail(err), false
	}
	return socket, exitOK, true
}

// showStatus is the subcommand status.
func showStatus(args []string) int {
	asJSON := false
	socket, code, ok := plainCommand("status", args, &asJSON)
	if !ok {
		return code
	}
	s, err := serverStatus(socket)
	switch {
	case err != nil:
	case asJSON:
		err = writeObject(os.Stdout, s)
	default:
		fmt.Printf("%s: %s; running since %s (process %d, version %s)\n", s.ACName, s.State, s.Since.Format(time.DateTime), s.PID, s.Version)
		fmt.Printf("  interfaces  %s\n", strings.Join(s.Interfaces, ", "))
		fmt.Printf("  sessions    %d of %d: %d online, %d being set up\n", s.Sessions, s.MaxSessions, s.Online, s.HalfOpen)
		if c := s.Cluster; c != nil {
			fmt.Printf("  cluster     %s\n", clusterText(c))
		}
		if a := s.AllActive; a != nil {
			writeAllActive(os.Stdout, a)
		}
		if f := s.Store; f != nil {
			fmt.Printf("  store       %s\n", storeText(f))
		}
		fmt.Printf("  socket      %s\n", s.Socket)
	}
	return commandExit(err)
}

// clusterText returns the state of a cluster in words.
func clusterText(c *servercontrol.Cluster) string {
	text := fmt.Sprintf("machine %s is %s, active is %s, term %d; %d records", c.Machine, c.Role, cmp.Or(c.Active, "none"), c.Term, c.Records)
	if c.Unwritten > 0 {
		text += fmt.Sprintf(", %d sessions not written", c.Unwritten)
	}
	if c.Consented {
		text += "; by consent of the others"
	}
	if c.EtcdError != "" {
		text += "; etcd: " + c.EtcdError
	}
	return text
}

// storeText returns the state of the store of sessions in words.
func storeText(f *servercontrol.Store) string {
	text := fmt.Sprintf("%s: %d sessions, %d octets; at the start %d adopted, %d ended", f.File, f.Sessions, f.Bytes, f.Adopted, f.Ended)
	if f.Failing != "" {
		text += "; nothing can be written: " + f.Failing
	}
	return text
}

// showStats is the subcommand stats.
func showStats(args []string) int {
	asJSON := false
	socket, code, ok := plainCommand("stats", args, &asJSON)
	if !ok {
		return code
	}
	var s servercontrol.Stats
	_, err := ask(socket, "stats", struct{}{}, func(line []byte) error { return json.Unmarshal(line, &s) })
	switch {
	case err != nil:
	case asJSON:
		err = writeObject(os.Stdout, s)
	default:
		writeStats(os.Stdout, &s)
	}
	return commandExit(err)
}

// writeStats writes the numbers of a server as text.
func writeStats(w io.Writer, s *servercontrol.Stats) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-15s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("sessions", "%d of %d: %d online, %d being set up", s.Sessions, s.MaxSessions, s.Online, s.HalfOpen)
	line("set up", "%d by discovery, %d came online", s.Established, s.Opened)
	line("authentication", "%d accepted, %d rejected", s.Accepted, s.Rejected)
	line("failed", "%s", numbers(s.Failed))
	line("ended", "%s", numbers(s.Ended))
	line("received", "PADI %d, PADR %d, PADT %d", s.Received.PADI, s.Received.PADR, s.Received.PADT)
	line("sent", "PADO %d, PADS %d, PADT %d", s.Sent.PADO, s.Sent.PADS, s.Sent.PADT)
	for _, q := range s.Queues {
		line("queue "+q.Interface, "%d discovery and %d control frames, of %d each", q.Discovery, q.Control, q.Capacity)
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Drops)) {
		line("dropped", "%d: %s", s.Drops[reason], reason)
	}
	writeRADIUS(line, s)
}

// writeRADIUS writes the numbers of RADIUS, those that there are.
func writeRADIUS(line func(name, format string, args ...any), s *servercontrol.Stats) {
	for _, r := range s.RADIUS {
		state := "up"
		if !r.Up {
			state = "dead"
		}
		line("RADIUS "+r.Use, "%s is %s: %d requests, %d answers, %d time-outs, %d retransmissions, %d answers dropped",
			r.Server, state, r.Requests, r.Answers, r.Timeouts, r.Retransmissions, r.Dropped)
	}
	if a := s.Accounting; a != nil {
		line("accounting", "%d records wait in memory, %d in the spool, %d for an answer; %d answered, %d dropped, %d errors of the spool",
			a.Memory, a.Spool, a.Sent, a.Answered, a.Dropped, a.SpoolErrors)
	}
	if c := s.CoA; c != nil {
		line("CoA", "%d acknowledged, %d refused", c.Acknowledged, c.Refused)
		for _, reason := range slices.Sorted(maps.Keys(c.Dropped)) {
			line("CoA dropped", "%d: %s", c.Dropped[reason], reason)
		}
	}
}

// numbers formats numbers by name, the largest first.
func numbers(by map[string]uint64) string {
	names := slices.SortedFunc(maps.Keys(by), func(a, b string) int {
		return cmp.Or(cmp.Compare(by[b], by[a]), cmp.Compare(a, b))
	})
	var all []string
	for _, name := range names {
		all = append(all, fmt.Sprintf("%d %s", by[name], name))
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

// showPools is the subcommand pools.
func showPools(args []string) int {
	asJSON := false
	socket, code, ok := plainCommand("pools", args, &asJSON)
	if !ok {
		return code
	}
	all := []servercontrol.Pool{}
	_, err := ask(socket, "pools", struct{}{}, func(line []byte) error {
		var p servercontrol.Pool
		err := json.Unmarshal(line, &p)
		all = append(all, p)
		return err
	})
	switch {
	case err != nil:
	case asJSON:
		err = writeObject(os.Stdout, all)
	default:
		err = writePools(all)
	}
	return commandExit(err)
}

func writePools(all []servercontrol.Pool) error {
	columns := []table.Column{{Title: "POOL"}, {Title: "KIND"}, {Title: "RANGE", Min: 16}, {Title: "SIZE", Right: true}, {Title: "USED", Right: true}, {Title: "FREE", Right: true}, {Title: "RESERVED", Right: true, Rank: 2}, {Title: "REFUSED", Right: true, Rank: 2}, {Title: "USE", Right: true, Rank: 1}}
	var rows [][]string
	for _, p := range all {
		kind, reserved, refused, use := p.Family, fmt.Sprint(p.Reserved), fmt.Sprint(p.Refused), ""
		if p.Kind != "" {
			kind, reserved, refused = fmt.Sprintf("%s /%d", p.Kind, p.Length), "", ""
		}
		if p.Size > 0 {
			use = fmt.Sprintf("%.1f %%", 100*float64(p.Used)/float64(p.Size))
		}
		rows = append(rows, []string{p.Name, kind, p.Range, fmt.Sprint(p.Size), fmt.Sprint(p.Used), fmt.Sprint(p.Free), reserved, refused, use})
	}
	width, _ := table.Size(os.Stdout)
	_, _, err := table.Write(os.Stdout, width, columns, rows)
	return err
}

// simpleRequest returns a subcommand that sends a request without arguments and says what it has done.
func simpleRequest(name, done string) func(args []string) int {
	return func(args []string) int {
		socket, code, ok := plainCommand(name, args, nil)
		if !ok {
			return code
		}
		result, err := ask(socket, name, struct{}{}, func([]byte) error { return errors.New("unexpected row") })
		for _, warning := range result.Warnings {
			fmt.Fprintln(os.Stderr, "warning: "+warning)
		}
		if err == nil {
			fmt.Println(done)
		}
		return commandExit(err)
	}
}

// showEvents is the subcommand events.
func showEvents(args []string) int {
	asJSON := false
	socket, code, ok := plainCommand("events", args, &asJSON)
	if !ok {
		return code
	}
	var to io.Writer = os.Stdout
	if !asJSON {
		to = &lineWriter{to: os.Stdout, convert: eventText}
	}
	return commandExit(requestError(socket, control.RequestAt(socket, "events", to, 0)))
}

// lineWriter converts whole lines.
type lineWriter struct {
	to      io.Writer
	convert func(line []byte) string
	rest    []byte // the begun line
}

func (w *lineWriter) Write(b []byte) (int, error) {
	w.rest = append(w.rest, b...)
	for {
		end := bytes.IndexByte(w.rest, '\n')
		if end < 0 {
			return len(b), nil
		}
		if _, err := fmt.Fprintln(w.to, w.convert(w.rest[:end])); err != nil {
			return 0, err
		}
		w.rest = w.rest[end+1:]
	}
}

// showLog is the subcommand log.
func showLog(args []string) int {
	var socket string
	follow, lines := false, -1
	set := commandFlags("log")
	set.BoolVarP(&follow, "follow", "f", false, "also show what is logged from now on, until interrupted")
	set.IntVarP(&lines, "lines", "n", lines, "show the last `N` lines (default: all that the server keeps in memory, 256 kB)")
	set.Lookup("lines").DefValue = ""
	addSocketFlag(set, &socket)
	code, ok := parseCommand(set, args)
	if !ok {
		return code
	}
	err := noArguments(set.Args())
	if err == nil {
		socket, err = findSocket(socket)
	}
	if err != nil {
		return fail(err)
	}
	request := "log"
	if follow {
		request = "follow"
	}
	if lines >= 0 {
		request += fmt.Sprintf(" %d", lines)
	}
	return commandExit(requestError(socket, control.RequestAt(socket, request, os.Stdout, 0)))
}
