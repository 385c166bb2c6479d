package status

import (
	"errors"
	"time"

	"upppoe/pppoe"
)

// Event is an event as a line of JSON. Which fields it has depends on the field Event.
type Event struct {
	Time       time.Time `json:"time"`
	Event      string    `json:"event"`
	Attachment string    `json:"line,omitempty"`
	Device     string    `json:"device,omitempty"`
	SessionID  uint16    `json:"session_id,omitempty"`
	AC         string    `json:"ac,omitempty"`
	ACName     string    `json:"ac_name,omitempty"`
	Method     string    `json:"method,omitempty"`
	Peer       bool      `json:"peer,omitempty"` // the peer authenticated itself, or failed to; else we did
	Protocol   string    `json:"protocol,omitempty"`
	MTU        int       `json:"mtu,omitempty"`
	IPv4       *IPv4     `json:"ipv4,omitempty"`
	IPv6       *IPv6     `json:"ipv6,omitempty"`
	Requests   int       `json:"requests,omitempty"`
	For        string    `json:"for,omitempty"`
	Seconds    float64   `json:"seconds,omitempty"`
	Text       string    `json:"text,omitempty"`
	Traffic    *Traffic  `json:"traffic,omitempty"`
	Missed     int       `json:"missed,omitempty"` // number of dropped events: they were not read in time, or there were too many of the kind in Text
	End        *End      `json:"end,omitempty"`
}

// Missed returns the event that stands for n dropped ones, which were not read in time.
func Missed(n int) Event { return Event{Time: time.Now(), Event: "missed", Missed: n} }

// reason is an error's reason in one word.
func reason(err error) string {
	end := (*pppoe.EndError)(nil)
	switch {
	case errors.As(err, &end):
		return end.Reason.Cause.String()
	case errors.Is(err, pppoe.ErrDiscovery):
		return "discovery-failed"
	}
	return "error"
}
