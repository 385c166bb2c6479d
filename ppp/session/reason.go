package session

// Reason is why a session ended: a cause that programs can act on, and words
// that people can read.
type Reason struct {
	Cause Cause
	// Text goes to the peer when the end is our doing, and tells what the peer
	// said when it is the peer's: then not fit for a terminal.
	Text string
}

// Cause is why a session ended. The first one found counts: what a peer does
// after refusing our password does not change the cause.
type Cause uint8

// Causes.
const (
	Unknown              Cause = iota
	UserRequest                // our side was told to end it
	HangUp                     // the layer below is gone, or a PADT came
	PeerTerminated             // the peer closed LCP
	PeerDead                   // echo requests went unanswered
	Looped                     // we were talking to ourselves
	NotNegotiated              // LCP, or every network protocol, failed to open
	NotAuthenticated           // we could not prove who we are
	PeerNotAuthenticated       // the peer could not, or would not
	Idle                       // nothing was carried for too long
	Expired                    // the time granted is over
	Exhausted                  // the traffic granted is used up
	NetworkConfigFailed        // the host's network could not be made to fit
	Replaced                   // a newer session has what this one had: its address, or its place
	AddressInUse               // an older session has the address that this one negotiated
	causeCount
)

var causeNames = [causeCount]string{
	"unknown", "user-request", "hangup", "peer-terminated", "peer-dead", "looped",
	"not-negotiated", "not-authenticated", "peer-not-authenticated",
	"idle", "expired", "exhausted", "host-refused", "replaced", "address-in-use",
}

// RefusedToAuthenticate is the Text of a Reason whose Cause is PeerNotAuthenticated, if the peer
// would not, rather than could not. It is pppd's.
const RefusedToAuthenticate = "peer refused to authenticate"

// String is the cause as one word, which scripts may rely on.
func (c Cause) String() string {
	if c >= causeCount {
		c = Unknown
	}
	return causeNames[c]
}
