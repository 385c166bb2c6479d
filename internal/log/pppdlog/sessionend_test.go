package pppdlog

import (
	"testing"

	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// TestServerReasons: the reason of a server's session is logged at its end, a sent PADT is not.
func TestServerReasons(t *testing.T) {
	for _, c := range []struct {
		reason       session.Reason
		line, closed string
	}{
		{session.Reason{Cause: session.CauseIdle}, "Terminating connection due to lack of activity.", "idle"},
		{session.Reason{Cause: session.CauseExpired}, "Connect time expired", "expired"},
		{session.Reason{Cause: session.CauseExhausted}, "Traffic limit reached. Limit: session volume", "exhausted"},
		{session.Reason{Cause: session.CauseHangUp}, "Modem hangup", "hangup"},
		{session.Reason{Cause: session.CauseLooped}, "Serial line is looped back.", "looped"},
		{session.Reason{Cause: session.CauseNotNegotiated, Text: "why"}, "why", "not-negotiated"},
		{session.Reason{Cause: session.CausePeerNotAuthenticated, Text: session.RefusedToAuthenticate}, "peer refused to authenticate: terminating link", "peer-not-authenticated"},
		{session.Reason{Cause: session.CausePeerNotAuthenticated, Text: "another"}, "", "peer-not-authenticated"},
		{session.Reason{Cause: session.CauseUserRequest}, "", "user-request"},
		{session.Reason{Cause: session.CauseUserRequest, Text: "disconnected by the operator"}, "", "user-request (disconnected by the operator)"},
	} {
		want := info + "ppp0: Connection terminated.\n" + info + "ppp0: Session 7 closed for client 02:00:5e:00:53:02 on eth0: " + c.closed + "\n"
		if c.line != "" {
			want = info + "ppp0: " + c.line + "\n" + want
		}
		if got := logged(&EventLogger{Server: true}, line, session.Ending{Reason: c.reason}, session.Closed{Reason: c.reason}, pppoe.Ended{Reason: c.reason, SentPADT: true}); got != want {
			t.Errorf("%+v is logged as\n%swant\n%s", c.reason, got, want)
		}
	}
}
