// Package event seals the set of events of packages ppp/session and pppoe: a type belongs to it
// by embedding Mark, which only this module can do.
//
// It is a package of its own because pppoe.Event includes the events of both packages, and an
// unexported method declared in one package cannot be implemented in another.
package event

// Event is implemented by the types that embed Mark.
type Event interface{ event() }

// Mark makes the struct that embeds it an Event.
type Mark struct{}

func (Mark) event() {}
