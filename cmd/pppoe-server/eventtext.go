package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/sessiontable"
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
	words := []string{e.Time.Format(time.TimeOnly), e.Event.Event}
	add := func(name, value string) {
		if value != "" {
			words = append(words, name+" "+value)
		}
	}
	if e.ID > 0 {
		add("id", fmt.Sprint(e.ID))
	}
	add("user", e.User)
	add("mac", e.MAC)
	add("on", e.Attachment)
	add("device", e.Device)
	if e.IPv4 != nil {
		add("ip", e.IPv4.Remote)
	}
	if e.IPv6 != nil {
		add("ipv6", e.IPv6.Remote)
	}
	add("by", e.Method)
	add("of", e.Protocol)
	if e.Traffic != nil {
		add("in", sessiontable.Size(e.Traffic.ReceivedBytes))
		add("out", sessiontable.Size(e.Traffic.SentBytes))
	}
	if e.Seconds > 0 {
		add("after", sessiontable.Uptime(e.Seconds))
	}
	if e.End != nil {
		add("cause", e.End.Reason)
		add("text", e.End.Text)
	}
	add("text", e.Text)
	if e.Missed > 0 {
		add("not reported", fmt.Sprint(e.Missed))
	}
	return strings.Join(words, "  ")
}
