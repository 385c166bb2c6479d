package main

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/sessiontable"
	"upppoe/internal/mgmt/top"
)

// showTop is the subcommand top.
func showTop(args []string) int {
	var cfg top.ServerConfig
	var columns, socket string
	terminal := top.Terminal{In: os.Stdin, Out: os.Stdout}
	once := false
	set := commandFlags("top")
	addFilterFlags(set, &cfg.Filter)
	set.StringVar(&cfg.Sort, "sort", "down", "sort by this `COLUMN`, numbers with the largest first, texts by the alphabet; -COLUMN: in reverse: one of "+strings.Join(sessiontable.Names(), ", "))
	set.StringVar(&columns, "columns", "", "show these columns only, a `LIST` like user,ip,down")
	set.DurationVar(&cfg.Interval, "every", 2*time.Second, "the `TIME` between two reads of the server; it is longer if reading takes more than a twentieth of it")
	set.BoolVar(&once, "once", false, "print one table")
	set.IntVar(&terminal.Count, "count", 0, "print `N` tables (default without a terminal: no limit)")
	set.IntVar(&cfg.Rows, "rows", 0, "print at most `N` sessions of each table (default: all)")
	addSocketFlag(set, &socket)
	code, ok := parseCommand(set, args)
	if !ok {
		return code
	}
	if once {
		terminal.Count = 1
	}
	err := addNamed(&cfg.Filter, set.Args())
	if err == nil {
		err = configureTop(&cfg, columns)
	}
	if err == nil && (terminal.Count < 0 || cfg.Rows < 0) {
		err = &pppd.Error{Message: "--count and --rows: give 1 or more"}
	}
	if err == nil {
		socket, err = findSocket(socket)
	}
	if err == nil {
		_, err = serverStatus(socket) // before the screen is taken
	}
	if err == nil {
		cfg.Source = topSource(socket)
		err = top.RunServer(cfg, terminal)
	}
	return commandExit(err)
}

// configureTop parses the names of columns.
func configureTop(cfg *top.ServerConfig, columns string) (err error) {
	cfg.Sort, cfg.Reverse = strings.CutPrefix(cfg.Sort, "-")
	c, ok := sessiontable.Named(cfg.Sort)
	if !ok {
		return unknownColumn("--sort", cfg.Sort)
	}
	cfg.Sort = c.Name
	if err = checkEvery(cfg.Interval); err == nil && columns != "" {
		cfg.All = true
		cfg.Columns, err = parseColumns(columns)
	}
	return err
}

// topSource is the server at a socket.
type topSource string

func (s topSource) Status() (servercontrol.Status, error) { return serverStatus(string(s)) }

func (s topSource) Stats() (is servercontrol.Stats, err error) {
	_, err = ask(string(s), "stats", struct{}{}, func(line []byte) error { return json.Unmarshal(line, &is) })
	return is, err
}

func (s topSource) Sessions(q servercontrol.Query, row func(*servercontrol.Session)) error {
	_, err := ask(string(s), "sessions", q, func(line []byte) error {
		one := new(servercontrol.Session)
		err := json.Unmarshal(line, one)
		if err == nil && one.Traffic != nil {
			row(one)
		}
		return err
	})
	return err
}

func (s topSource) Disconnect(id uint64) error {
	_, err := ask(string(s), "disconnect", servercontrol.Disconnect{Filter: servercontrol.Filter{ID: id}}, func([]byte) error { return errors.New("unexpected row") })
	return err
}
