package main

import (
	"encoding/json"
	"fmt"

	"upppoe/internal/mgmt/servercontrol"
)

// eventText returns an event, or the status that comes first, as a line for people.
func eventText(line []byte) string {
	var e servercontrol.Event
	if json.Unmarshal(line, &e) != nil {
		return string(line)
	}
	if e.Event.Event == "" {
		var s servercontrol.Status
		json.Unmarshal(line, &s)
		return fmt.Sprintf("%s: %s, %d sessions, %d online", s.ACName, s.State, s.Sessions, s.Online)
	}
	var about []string
	add := func(name, value string) {
		if value != "" {
			about = append(about, name+" "+value)
		}
	}
	if e.ID > 0 {
		add("id", fmt.Sprint(e.ID))
	}
	add("user", e.User)
	add("mac", e.MAC)
	return e.Line(about, true)
}
