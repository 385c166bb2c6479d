package session_test

import (
	"fmt"
	"net/netip"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp/session"
)

// Two sessions talk over a line that is two queues. Whoever owns a session gives it frames
// and the time, sends what it has to say, and heeds what it tells.
func Example() {
	client := session.New(&session.Config{IPv4: &ipcp.Config{}})
	server := session.New(&session.Config{
		IPv4: &ipcp.Config{
			Local:  netip.MustParseAddr("192.0.2.1"),
			Remote: netip.MustParseAddr("192.0.2.10"),
		},
	})
	now := time.Now()
	var fromClient, fromServer session.Output
	client.Up(now, &fromClient)
	server.Up(now, &fromServer)

	// carry has one side's frames received by the other, and reports whether there was anything.
	carry := func(name string, from *session.Output, to *session.Session, answer *session.Output) (some bool) {
		for frame, event := range from.All() {
			some = true
			switch e := event.(type) {
			case nil:
				to.Receive(now, frame, answer)
			case session.LinkUp:
				fmt.Println(name, "may send", e.PeerMRU, "octets")
			case session.IPv4Up:
				fmt.Println(name, "is", e.Local)
			case session.Closed:
				fmt.Println(name, "is done:", e.Reason.Cause)
			}
		}
		from.Reset()
		return some
	}
	talk := func() {
		for carry("client", &fromClient, server, &fromServer) || carry("server", &fromServer, client, &fromClient) {
		}
	}
	talk()
	client.Close(now, session.Reason{Cause: session.UserRequest, Text: "good night"}, &fromClient)
	talk()
	// The side that was asked to end waits, lest its answer was lost (RFC 1661 section 4.4,
	// Zero-Restart-Count).
	now = server.Deadline()
	server.Advance(now, &fromServer)
	talk()
	// Output:
	// client may send 1492 octets
	// server may send 1492 octets
	// server is 192.0.2.1
	// client is 192.0.2.10
	// client is done: user-request
	// server is done: peer-terminated
}
