package ppp

// State is a state of the option negotiation automaton (RFC 1661 section 4.2),
// numbered as in its table.
type State uint8

// States.
const (
	Initial State = iota
	Starting
	Closed
	Stopped
	Closing
	Stopping
	ReqSent
	AckRcvd
	AckSent
	Opened
	stateCount
)

var stateNames = [stateCount]string{
	"Initial", "Starting", "Closed", "Stopped", "Closing", "Stopping",
	"Req-Sent", "Ack-Rcvd", "Ack-Sent", "Opened",
}

// String returns the state's name in RFC 1661.
func (s State) String() string {
	if s < stateCount {
		return stateNames[s]
	}
	return "none"
}

// hasTimer reports whether the Restart timer runs in the state: in those that have TO+ and
// TO- entries (RFC 1661 section 4.1).
func (s State) hasTimer() bool { return s >= Closing && s <= AckSent }

// event is an event of RFC 1661 section 4.3, in the order of its table.
type event uint8

const (
	up event = iota
	down
	open
	closing
	timeout   // TO+: the Restart counter is above zero
	exhausted // TO-: the Restart counter is zero
	rcrGood   // RCR+: an acceptable Configure-Request
	rcrBad    // RCR-: an unacceptable Configure-Request
	rca       // Configure-Ack
	rcn       // Configure-Nak or Configure-Reject
	rtr       // Terminate-Request
	rta       // Terminate-Ack
	ruc       // an unknown code
	rxjGood   // RXJ+: a Code- or Protocol-Reject that can be tolerated
	rxjBad    // RXJ-: one of something required
	rxr       // Echo-Request, Echo-Reply, Discard-Request
	eventCount
)

// action is a set of actions of RFC 1661 section 4.4. The order of the bits is the order
// in which the table lists the actions and in which they are performed.
type action uint16

const (
	tld action = 1 << iota // This-Layer-Down
	irc                    // Initialize-Restart-Count
	zrc                    // Zero-Restart-Count
	scr                    // Send-Configure-Request
	str                    // Send-Terminate-Request
	sca                    // Send-Configure-Ack
	scn                    // Send-Configure-Nak, or -Reject
	sta                    // Send-Terminate-Ack
	scj                    // Send-Code-Reject
	ser                    // Send-Echo-Reply
	tlu                    // This-Layer-Up
	tls                    // This-Layer-Started
	tlf                    // This-Layer-Finished
)
