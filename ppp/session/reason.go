package session

// Reason is why a session ended: a cause for programs, and a text for people.
type Reason struct {
	Cause Cause
	// Text is sent to the peer if we end the session. If the peer ends it, it is the
	// peer's text: untrusted, escape it before printing.
	Text string
}

// Cause is why a session ended. The first cause stays: what a peer does after it has
// rejected our password does not change it.
type Cause uint8

// Causes.
const (
	Unknown              Cause = iota
	UserRequest                // we ended it on request
	HangUp                     // the layer below is down, or a PADT was received
	PeerTerminated             // the peer closed LCP
	PeerDead                   // Echo-Requests were not answered
	Looped                     // the link is looped back
	NotNegotiated              // LCP, or every network protocol, failed to open
	NotAuthenticated           // the peer did not accept our credentials
	PeerNotAuthenticated       // the peer did not authenticate itself
	Idle                       // the idle timeout has expired
	Expired                    // the session timeout has expired
	Exhausted                  // the traffic limit is reached
	NetworkConfigFailed        // the host's network could not be configured
	Replaced                   // a newer session has taken its address or its slot
	AddressInUse               // an older session has the address that was negotiated
	causeCount
)

var causeNames = [causeCount]string{
	"unknown", "user-request", "hangup", "peer-terminated", "peer-dead", "looped",
	"not-negotiated", "not-authenticated", "peer-not-authenticated",
	"idle", "expired", "exhausted", "host-refused", "replaced", "address-in-use",
}

// RefusedToAuthenticate is the Text of a Reason with Cause PeerNotAuthenticated if the
// peer refused in LCP to authenticate itself. The words are pppd's.
const RefusedToAuthenticate = "peer refused to authenticate"

// String returns the cause as one word. Scripts rely on it: the words do not change.
func (c Cause) String() string {
	if c >= causeCount {
		c = Unknown
	}
	return causeNames[c]
}
