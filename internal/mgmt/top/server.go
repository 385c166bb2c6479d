package top

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/serversample"
	"upppoe/internal/mgmt/sessiontable"
	"upppoe/internal/mgmt/table"
)

// ServerSource reads a server, and ends sessions.
type ServerSource interface {
	serversample.Source
	Disconnect(id uint64) error
}

// serverSample is a sample of a view.
type serverSample struct{ *serversample.Sample }

func (s *serverSample) readAt() time.Time { return s.At }

// ServerConfig configures the view of a server.
type ServerConfig struct {
	Source   ServerSource
	Filter   servercontrol.Filter // which sessions are read
	Columns  []sessiontable.Column
	All      bool   // also columns that are empty
	Sort     string // name of a column
	Reverse  bool   // the other order: numbers are sorted by the largest first, texts by the alphabet
	Rows     int    // of a plain table; 0: all
	Interval time.Duration
}

// mode is what keys mean.
type mode int

const (
	list mode = iota
	filtering
	details
	confirming
	help
)

// serverView is the view of a server.
type serverView struct {
	cfg     ServerConfig
	reading *serversample.Reader
	last    *serverSample
	all     map[uint64]*servercontrol.Session
	shown   []*servercontrol.Session // those that match the filter, sorted
	totals  totals

	mode     mode
	sort     int // column
	reverse  bool
	filter   string
	paused   bool
	selected uint64 // ID; 0: none
	offset   int    // of the first row, or of the first line of details and help
	rows     int    // that the screen has room for
	target   uint64 // to be disconnected
	took     time.Duration
	message  string // of the last action
	err      error  // of the last read
}

func newServerView(cfg ServerConfig, now func() time.Time) *serverView {
	if cfg.Columns == nil {
		cfg.Columns = sessiontable.Columns
	}
	v := &serverView{cfg: cfg, reading: &serversample.Reader{Source: cfg.Source, Now: now, Filter: cfg.Filter}, reverse: cfg.Reverse}
	v.sort = slices.IndexFunc(sessiontable.Columns, func(c sessiontable.Column) bool { return c.Name == cfg.Sort })
	v.sort = max(0, v.sort)
	return v
}

func (v *serverView) reader() func() (sample, error) {
	return func() (sample, error) {
		s, err := v.reading.Read()
		if err != nil {
			return nil, err
		}
		return &serverSample{s}, nil
	}
}

func (v *serverView) pause() time.Duration {
	if v.paused {
		return -1
	}
	return every(v.cfg.Interval, v.took)
}

func (v *serverView) update(read sample, took time.Duration, err error) {
	v.took, v.err = took, err
	if err != nil {
		return
	}
	s := read.(*serverSample)
	before, elapsed := v.all, time.Duration(0)
	if v.last != nil && v.last.Status.Since.Equal(s.Status.Since) {
		elapsed = s.At.Sub(v.last.At)
	} else {
		before = nil
	}
	v.totals = newTotals(s, v.last)
	v.all = serversample.Merge(s.Sample, before, elapsed)
	for _, one := range v.all {
		v.totals.addRates(one)
	}
	s.Sessions = nil // for the garbage collector: all has them
	v.last = s
	v.arrange()
}

// arrange selects and sorts what is shown.
func (v *serverView) arrange() {
	v.shown = v.shown[:0]
	for _, s := range v.all {
		if sessiontable.Matches(s, v.filter) {
			v.shown = append(v.shown, s)
		}
	}
	sessiontable.Sort(v.shown, &sessiontable.Columns[v.sort], v.reverse)
	if v.all[v.selected] == nil {
		v.selected = 0
	}
}

// row returns the row of the selected session; -1: none is shown.
func (v *serverView) row() int {
	return slices.IndexFunc(v.shown, func(s *servercontrol.Session) bool { return s.ID == v.selected })
}

// session returns the selected session, or without one selects the first; nil: there is none.
func (v *serverView) session() *servercontrol.Session {
	if v.row() < 0 && len(v.shown) > 0 {
		v.selected = v.shown[min(v.offset, len(v.shown)-1)].ID
	}
	return v.all[v.selected]
}

func (v *serverView) plain(width int) string {
	var b strings.Builder
	for _, l := range v.totals.lines() {
		b.WriteString(l.Text + "\n")
	}
	shown := v.shown
	if v.cfg.Rows > 0 {
		shown = shown[:min(len(shown), v.cfg.Rows)]
	}
	columns, rows := v.cells(shown)
	table.Write(&b, width, columns, rows) // a strings.Builder has no errors
	if more := len(v.shown) - len(shown); more > 0 {
		fmt.Fprintf(&b, "%d more\n", more)
	}
	return b.String()
}

func (v *serverView) cells(shown []*servercontrol.Session) ([]table.Column, [][]string) {
	return sessiontable.Cells(v.cfg.Columns, len(shown), func(i int) *servercontrol.Session { return shown[i] }, v.cfg.All)
}
