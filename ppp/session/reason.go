package session

// Reason is why a session ended: a cause for programs, and a text for people.
type Reason struct {
	Cause Cause
	// Text is sent to the peer if we end the session. If the peer ends it, it is the
	// peer's text: untrusted, escape it before printing.
	Text string
}

// Cause is why a session ended. The first cause is kept: what a peer does after it has
// rejected our password does not change it.
type Cause uint8

// Causes.
const (
	CauseUnknown              Cause = iota
	CauseUserRequest                // we ended it on request
	CauseHangUp                     // the layer below is down, or a PADT was received
	CausePeerTerminated             // the peer closed LCP
	CausePeerDead                   // Echo-Requests were not answered
	CauseLooped                     // the link is looped back
	CauseNotNegotiated              // LCP, or every network protocol, failed to open
	CauseNotAuthenticated           // the peer did not accept our credentials
	CausePeerNotAuthenticated       // the peer did not authenticate itself
	CauseIdle                       // the idle timeout has expired
	CauseExpired                    // the session timeout has expired
	CauseExhausted                  // the traffic limit is reached
	CauseNetworkConfigFailed        // the host's network could not be configured
	CauseReplaced                   // a newer session has taken its address or its slot
	CauseAddressInUse               // an older session has the address that was negotiated
	causeCount
)

var causeNames = [causeCount]string{
	"unknown", "user-request", "hangup", "peer-terminated", "peer-dead", "looped",
	"not-negotiated", "not-authenticated", "peer-not-authenticated",
	"idle", "expired", "exhausted", "host-refused", "replaced", "address-in-use",
}

// RefusedToAuthenticate is the Text of a Reason with CausePeerNotAuthenticated if the
// peer refused in LCP to authenticate itself. The words are pppd's.
const RefusedToAuthenticate = "peer refused to authenticate"

// String returns the cause as one word. Scripts rely on it: the words do not change.
func (c Cause) String() string {
	if c >= causeCount {
		c = CauseUnknown
	}
	return causeNames[c]
}
