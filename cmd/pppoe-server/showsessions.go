package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/sessiontable"
	"upppoe/internal/mgmt/table"
)

// sessionsView is what the command sessions shows.
type sessionsView struct {
	socket  string
	query   servercontrol.Query
	sort    sessiontable.Column
	reverse bool
	columns []sessiontable.Column
	all     bool // also those that are empty
	json    bool
	rates   bool // also in JSON
	watch   bool
	every   time.Duration
	out     *os.File
}

// rateInterval is the time between the two samples of traffic that rates are made from.
var rateInterval = time.Second

// minEvery is the shortest time between two tables.
const minEvery = 100 * time.Millisecond

// sessionRow is a session, and the line of JSON that it was read from.
type sessionRow struct {
	servercontrol.Session
	line []byte
}

// showSessions is the subcommand sessions.
func showSessions(args []string) int {
	v := sessionsView{out: os.Stdout}
	var sort, columns string
	set := commandFlags("sessions")
	addFilterFlags(set, &v.query.Filter)
	set.StringVar(&sort, "sort", "ip", "sort by this `COLUMN`, numbers as numbers; -COLUMN: in reverse: one of "+strings.Join(sessiontable.Names(), ", "))
	set.StringVar(&columns, "columns", "", "show these columns only, a `LIST` like user,ip,uptime")
	set.BoolVar(&v.json, "json", false, "print an array of objects; see JSON in the manual")
	set.BoolVar(&v.rates, "rates", false, "with --json: measure the present rates too, for a second")
	set.BoolVar(&v.watch, "watch", false, "show the table again and again, until interrupted")
	set.DurationVar(&v.every, "every", 2*time.Second, "with --watch: the `TIME` between two tables")
	addSocketFlag(set, &v.socket)
	code, ok := parseCommand(set, args)
	if !ok {
		return code
	}
	err := addNamed(&v.query.Filter, set.Args())
	if err == nil {
		err = v.configure(sort, columns)
	}
	if err == nil {
		v.socket, err = findSocket(v.socket)
	}
	if err == nil {
		err = v.show()
	}
	return commandExit(err)
}

// configure parses the names of columns.
func (v *sessionsView) configure(sort, columns string) error {
	name, reverse := strings.CutPrefix(sort, "-")
	var ok bool
	if v.sort, ok = sessiontable.Named(name); !ok {
		return unknownColumn("--sort", name)
	}
	v.reverse, v.columns = reverse, sessiontable.Columns
	if err := checkEvery(v.every); err != nil || columns == "" {
		return err
	}
	var err error
	v.all = true
	v.columns, err = parseColumns(columns)
	return err
}

func checkEvery(every time.Duration) error {
	if every < minEvery {
		return &pppd.Error{Message: fmt.Sprintf("--every %v: give 100ms or more", every)}
	}
	return nil
}

// parseColumns parses the argument of --columns.
func parseColumns(list string) (columns []sessiontable.Column, err error) {
	for name := range strings.SplitSeq(list, ",") {
		c, ok := sessiontable.Named(name)
		if !ok {
			return nil, unknownColumn("--columns", name)
		}
		columns = append(columns, c)
	}
	return columns, nil
}

func unknownColumn(flag, name string) error {
	return &pppd.Error{Message: fmt.Sprintf("%s %s: there is no such column: give one of %s", flag, name, strings.Join(sessiontable.Names(), ", "))}
}

// show shows the sessions, once or until interrupted.
func (v *sessionsView) show() error {
	if v.json {
		all, err := v.read()
		if err == nil && v.rates {
			err = v.measure(all, rateInterval)
		}
		if err != nil {
			return err
		}
		return writeSessions(v.out, all)
	}
	for {
		all, err := v.read()
		if err != nil {
			return err
		}
		if err := v.measure(all, min(rateInterval, v.every)); err != nil {
			return err
		}
		if err := v.writeTable(all); err != nil || !v.watch {
			return err
		}
		time.Sleep(v.every - min(rateInterval, v.every))
	}
}

// read returns the sessions, sorted.
func (v *sessionsView) read() (all []*sessionRow, err error) {
	_, err = ask(v.socket, "sessions", v.query, func(line []byte) error {
		row := &sessionRow{line: bytes.Clone(line)}
		all = append(all, row)
		return json.Unmarshal(line, &row.Session)
	})
	v.sortSessions(all)
	return all, err
}

func (v *sessionsView) sortSessions(all []*sessionRow) {
	slices.SortFunc(all, func(a, b *sessionRow) int {
		order := v.sort.Compare(&a.Session, &b.Session)
		if v.reverse {
			order = -order
		}
		return cmp.Or(order, cmp.Compare(a.ID, b.ID))
	})
}

// measure sets the rates of sessions from their traffic after a while.
func (v *sessionsView) measure(all []*sessionRow, after time.Duration) error {
	if len(all) == 0 {
		return nil
	}
	began := time.Now()
	time.Sleep(after)
	index := make(map[uint64]*sessionRow, len(all))
	for _, s := range all {
		index[s.ID] = s
	}
	query := v.query
	query.TrafficOnly = true
	_, err := ask(v.socket, "sessions", query, func(line []byte) error {
		var later servercontrol.Session
		if err := json.Unmarshal(line, &later); err != nil {
			return err
		}
		if s := index[later.ID]; s != nil {
			sessiontable.SetRates(&s.Session, later.Traffic, time.Since(began))
			s.line = nil
		}
		return nil
	})
	if v.sort.Name == "up" || v.sort.Name == "down" {
		v.sortSessions(all)
	}
	return err
}

// writeSessions writes an array of JSON, an object a line.
func writeSessions(to io.Writer, all []*sessionRow) error {
	w := bufio.NewWriterSize(to, 64<<10)
	w.WriteString("[")
	separator := "\n"
	for _, s := range all {
		w.WriteString(separator)
		separator = ",\n"
		if s.line == nil { // it has changed
			var err error
			if s.line, err = json.Marshal(&s.Session); err != nil {
				return err
			}
		}
		w.Write(s.line)
	}
	if len(all) > 0 {
		w.WriteString("\n")
	}
	w.WriteString("]\n")
	return w.Flush()
}

// writeTable writes the table, with --watch in place of the last one.
func (v *sessionsView) writeTable(all []*sessionRow) error {
	width, height := table.Size(v.out)
	shown := all
	if v.watch && height > 0 {
		fmt.Fprint(v.out, "\033[H\033[2J")
		if room := max(1, height-4); len(shown) > room {
			shown = shown[:room]
		}
	}
	columns, rows := sessiontable.Cells(v.columns, len(shown), func(i int) *servercontrol.Session { return &shown[i].Session }, v.all)
	cut, omitted, err := table.Write(v.out, width, columns, rows)
	if err != nil {
		return err
	}
	v.writeNote(len(all), len(all)-len(shown), table.Note(cut, omitted))
	return nil
}

// writeNote says what the table does not.
func (v *sessionsView) writeNote(sessions, hidden int, note string) {
	if width, _ := table.Size(v.out); width == 0 && !v.watch {
		return // for a program
	}
	fmt.Fprintf(v.out, "%d %s", sessions, plural(sessions, "session"))
	if hidden > 0 {
		fmt.Fprintf(v.out, ", %d of them not shown", hidden)
	}
	fmt.Fprintf(v.out, " %s\n", note)
}
