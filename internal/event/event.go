// Package event closes the set of events that packages ppp/session and pppoe tell of: a type
// belongs to it by embedding Mark, and only this module can do that.
//
// The mark is a package of its own as events of both packages reach the same pppoe.Event, and
// an unexported method that one of them declares cannot be implemented in the other.
package event

// Event is implemented by the types that embed Mark.
type Event interface{ event() }

// Mark makes the struct that embeds it an Event.
type Mark struct{}

func (Mark) event() {}
