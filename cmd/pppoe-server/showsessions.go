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
	"upppoe/internal/mgmt/table"
)

// sessionsView is what the command sessions shows.
type sessionsView struct {
	socket  string
	query   servercontrol.Query
	sort    sessionColumn
	reverse bool
	columns []sessionColumn
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
	set.StringVar(&sort, "sort", "ip", "sort by this `COLUMN`, numbers as numbers; -COLUMN: in reverse: one of "+strings.Join(columnNames(), ", "))
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
	if v.sort, ok = columnNamed(name); !ok {
		return unknownColumn("--sort", name)
	}
	v.reverse, v.columns = reverse, sessionColumns
	if v.every < minEvery {
		return &pppd.Error{Message: fmt.Sprintf("--every %v: give 100ms or more", v.every)}
	}
	if columns == "" {
		return nil
	}
	v.columns, v.all = nil, true
	for name := range strings.SplitSeq(columns, ",") {
		c, ok := columnNamed(name)
		if !ok {
			return unknownColumn("--columns", name)
		}
		v.columns = append(v.columns, c)
	}
	return nil
}

func unknownColumn(flag, name string) error {
	return &pppd.Error{Message: fmt.Sprintf("%s %s: there is no such column: give one of %s", flag, name, strings.Join(columnNames(), ", "))}
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
		order := v.sort.compare(&a.Session, &b.Session)
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
			setRates(&s.Session, later.Traffic, time.Since(began))
			s.line = nil
		}
		return nil
	})
	if v.sort.name == "up" || v.sort.name == "down" {
		v.sortSessions(all)
	}
	return err
}

// setRates sets the rates of a session from its later traffic.
func setRates(s *servercontrol.Session, later *servercontrol.Traffic, elapsed time.Duration) {
	rate := func(before, after uint64) *uint64 {
		bits := uint64(float64(8*(after-min(before, after))) / elapsed.Seconds())
		return &bits
	}
	s.BitsUp, s.BitsDown = rate(s.Traffic.ReceivedBytes, later.ReceivedBytes), rate(s.Traffic.SentBytes, later.SentBytes)
	s.Traffic = later
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
	columns, rows := v.cells(shown)
	cut, omitted, err := table.Write(v.out, width, columns, rows)
	if err != nil {
		return err
	}
	v.writeNote(len(all), len(all)-len(shown), table.Note(cut, omitted))
	return nil
}

// cells returns the columns and texts of a table. Without --columns those are omitted that would be empty.
func (v *sessionsView) cells(shown []*sessionRow) (columns []table.Column, rows [][]string) {
	rows = make([][]string, len(shown))
	for _, c := range v.columns {
		texts, empty := make([]string, len(shown)), true
		for i := range shown {
			texts[i] = c.text(&shown[i].Session)
			empty = empty && texts[i] == ""
		}
		if empty && !v.all && len(shown) > 0 {
			continue
		}
		columns = append(columns, c.Column)
		for i, text := range texts {
			rows[i] = append(rows[i], text)
		}
	}
	return columns, rows
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
