package session_test

import (
	"fmt"
	"net/netip"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp/session"
)

// Two sessions negotiate over a link that consists of two queues. The owner of a session
// passes frames and the time to it, sends its frames and handles its events.
func Example() {
	client := session.New(&session.Config{IPv4: &ipcp.Config{}}, session.Peer{})
	server := session.New(&session.Config{
		IPv4: &ipcp.Config{
			Local:  netip.MustParseAddr("192.0.2.1"),
			Remote: netip.MustParseAddr("192.0.2.10"),
		},
	}, session.Peer{})
	now := time.Now()
	var fromClient, fromServer session.Output
	client.Up(now, &fromClient)
	server.Up(now, &fromServer)

	// carry delivers one side's frames to the other, and reports whether there were any frames
	// or events.
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
	exchange := func() {
		for carry("client", &fromClient, server, &fromServer) || carry("server", &fromServer, client, &fromClient) {
		}
	}
	exchange()
	client.Close(now, session.Reason{Cause: session.CauseUserRequest, Text: "good night"}, &fromClient)
	exchange()
	// The side that has received a Terminate-Request waits, as its Terminate-Ack may be lost
	// (RFC 1661 section 4.4, Zero-Restart-Count).
	now = server.Deadline()
	server.Advance(now, &fromServer)
	exchange()
	// Output:
	// client may send 1492 octets
	// server may send 1492 octets
	// server is 192.0.2.1
	// client is 192.0.2.10
	// client is done: user-request
	// server is done: peer-terminated
}
