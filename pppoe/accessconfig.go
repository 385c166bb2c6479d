package pppoe

import (
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/limit"
)

// AccessConfig limits which clients a Server answers, when, and how many sessions they may have. For
// limits, an interface is a Listener. Requests that it refuses are dropped and counted: see
// Server.Drops. Only a client that could never have a session is told so, by a PADS with an error.
type AccessConfig struct {
	// Clients are lists of clients whose PADIs and PADRs are handled, or not.
	Clients limit.Clients
	// PADIs and PADRs limit how many are handled in a second; zero: DefaultPADIs and DefaultPADRs of
	// package limit.
	PADIs, PADRs limit.Limits
	// Sessions limits the number of sessions, in addition to Pool.Max and Pool.MaxPerClient; HalfOpen
	// limits those that have not reached their network phase. Zero: no limit.
	Sessions, HalfOpen limit.Limits
	// PADODelay delays answers to PADIs by the number of sessions of the Server.
	PADODelay discovery.PADODelay
}
