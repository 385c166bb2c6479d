package limit

import (
	"errors"
	"fmt"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Origin is where a request comes from. It is comparable.
type Origin struct {
	Interface uint16     // index of the Ethernet interface, from 0
	VLAN      vlan.Stack // tags of the frame
	Client    wire.Addr
}

// Quantity is what is limited.
type Quantity uint8

// Quantities.
const (
	PADIs    Quantity = iota // a second
	PADRs                    // a second, with a valid AC-Cookie
	Sessions                 // open and half-open ones
	HalfOpen                 // sessions that have not reached their network phase
)

var quantities = [...]string{PADIs: "PADIs a second", PADRs: "PADRs a second", Sessions: "sessions", HalfOpen: "half-open sessions"}

// String returns the quantity in words.
func (q Quantity) String() string { return quantities[q] }

// Scope is what a limit applies to.
type Scope uint8

// Scopes, in the order in which they are checked: a client or a VLAN that sends too much is found
// before it uses what is for all.
const (
	PerClient Scope = iota // an Ethernet address in a VLAN of an interface
	PerVLAN                // the untagged frames of an interface are those of one VLAN
	PerInterface
	Total
	scopes
)

var scopeNames = [scopes]string{PerClient: "client", PerVLAN: "VLAN", PerInterface: "interface", Total: "server"}

// String returns the scope in words.
func (s Scope) String() string { return scopeNames[s] }

// Exceeded is the reason for dropping a request that exceeds a limit. It is comparable.
type Exceeded struct {
	What  Quantity
	Scope Scope
}

// Error returns the reason in words.
func (e Exceeded) Error() string { return fmt.Sprintf("limit: too many %v of one %v", e.What, e.Scope) }

// ErrDenied is the reason for dropping a request of a client that Clients does not admit.
var ErrDenied = errors.New("limit: client's address is not allowed")

// Limits are the limits of one quantity. Zero: the default; negative: no limit.
type Limits struct{ Total, Interface, VLAN, Client int }

// Max is the maximum value of a limit.
const Max = 1_000_000

// Defaults of PADIs and PADRs a second; all other limits have none. They suit 65,534 clients that
// return at once after a power failure: a server sets up fewer sessions a second than that. One
// client or VLAN does not use up what an interface may have.
//
// A PADO costs a few microseconds, and a PADI that is dropped costs a client 5 s. So there may be
// more PADIs than one flood of forged addresses has: the first PADI of a client is answered even so.
// Where the processor is not fast enough, see Rates.Allow.
var (
	DefaultPADIs = Limits{Interface: 200_000, VLAN: 150_000, Client: 10_000}
	DefaultPADRs = Limits{Interface: 40_000, VLAN: 20_000, Client: 10_000}
)

// of returns the limit of a scope.
func (l *Limits) of(s Scope) *int {
	return [scopes]*int{PerClient: &l.Client, PerVLAN: &l.VLAN, PerInterface: &l.Interface, Total: &l.Total}[s]
}

// effective returns the limits with defaults, and 0 for no limit.
func (l Limits) effective(what Quantity) [scopes]int {
	defaults := map[Quantity]Limits{PADIs: DefaultPADIs, PADRs: DefaultPADRs}[what]
	var all [scopes]int
	for s := range scopes {
		if all[s] = *l.of(s); all[s] == 0 {
			all[s] = *defaults.of(s)
		}
		all[s] = max(all[s], 0)
	}
	return all
}
