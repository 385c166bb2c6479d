package main

import (
	"encoding/json"
	"io"
	"os"

	"upppoe/internal/config/pppd"
	"upppoe/internal/mgmt/sessiontable"
)

// showSession is the subcommand session.
func showSession(args []string) int {
	v := sessionsView{out: os.Stdout, sort: sessiontable.Columns[0]}
	set := commandFlags("session")
	addFilterFlags(set, &v.query.Filter)
	set.BoolVar(&v.json, "json", false, "print an array of objects; see JSON in the manual")
	addSocketFlag(set, &v.socket)
	code, ok := parseCommand(set, args)
	if !ok {
		return code
	}
	return commandExit(v.showOne(set.Args()))
}

// showOne shows all that is known of each session that matches.
func (v *sessionsView) showOne(args []string) error {
	err := addNamed(&v.query.Filter, args)
	if err == nil && v.query.IsEmpty() {
		err = &pppd.Error{Message: "name a session by its ID, Acct-Session-Id, user, IP or Ethernet address (see pppoe-server session --help)"}
	}
	if err == nil {
		v.socket, err = findSocket(v.socket)
	}
	if err != nil {
		return err
	}
	all, err := v.read()
	if err == nil && len(all) == 0 {
		err = errNoSession
	}
	if err == nil {
		err = v.measure(all, rateInterval)
	}
	switch {
	case err != nil:
		return err
	case v.json:
		return writeSessions(v.out, all)
	}
	for _, s := range all {
		sessiontable.WriteDetails(v.out, &s.Session)
	}
	return nil
}

// writeObject writes a value as indented JSON.
func writeObject(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
