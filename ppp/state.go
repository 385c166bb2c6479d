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

// String is the state's name in RFC 1661.
func (s State) String() string {
	if s < stateCount {
		return stateNames[s]
	}
	return "none"
}

// timed reports whether the Restart timer runs in the state: RFC 1661 section
// 4.1 has it in those that have TO+ and TO- entries.
func (s State) timed() bool { return s >= Closing && s <= AckSent }

// event is an event of RFC 1661 section 4.3, in the order of its table.
type event uint8

const (
	up event = iota
	down
	open
	closing
	timeout   // TO+: the restart counter is above zero
	exhausted // TO-: it is not
	rcrGood   // RCR+: an acceptable Configure-Request
	rcrBad    // RCR-: one to be answered with Nak or Reject
	rca       // Configure-Ack
	rcn       // Configure-Nak or Configure-Reject
	rtr       // Terminate-Request
	rta       // Terminate-Ack
	ruc       // an unknown code
	rxjGood   // RXJ+: a Code- or Protocol-Reject of something dispensable
	rxjBad    // RXJ-: one of something that is not
	rxr       // Echo-Request, Echo-Reply, Discard-Request
	eventCount
)

// action is a set of actions of RFC 1661 section 4.4. The bits stand in the
// order in which every entry of the table lists them, and are carried out so.
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
