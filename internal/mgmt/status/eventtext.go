package status

import (
	"fmt"
	"strings"
	"time"

	"upppoe/internal/mgmt/units"
)

// Line returns the event as a line for people. About is what it happened to. The side that
// establishes sessions is interested in the peer's addresses, and the other in its own.
func (e *Event) Line(about []string, isServer bool) string {
	words := append([]string{e.Time.Format(time.TimeOnly), e.Event}, about...)
	add := func(name, value string) {
		if value != "" {
			words = append(words, name+" "+value)
		}
	}
	add("on", e.Attachment)
	add("device", e.Device)
	add("ac", e.AC)
	for name, a := range e.addresses(isServer) {
		add(name, a)
	}
	add("by", e.Method)
	add("of", e.Protocol)
	add("for", e.For)
	if e.Traffic != nil {
		add("in", units.Size(e.Traffic.ReceivedBytes))
		add("out", units.Size(e.Traffic.SentBytes))
	}
	if e.Seconds > 0 {
		add("after", units.Uptime(e.Seconds))
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

// addresses yields the peer's addresses or our own.
func (e *Event) addresses(ofPeer bool) func(func(name, address string) bool) {
	pick := func(local, remote string) string {
		if ofPeer {
			return remote
		}
		return local
	}
	return func(yield func(name, address string) bool) {
		if e.IPv4 != nil && !yield("ip", pick(e.IPv4.Local, e.IPv4.Remote)) {
			return
		}
		if e.IPv6 != nil {
			yield("ipv6", pick(e.IPv6.Local, e.IPv6.Remote))
		}
	}
}
