package pppdlog

import (
	"fmt"

	"upppoe/ppp/session"
	"upppoe/ppp/trace"
	"upppoe/pppoe"
)

// packet logs a packet, in pppd's words.
func (el *EventLogger) packet(l pppoe.SessionInfo, event pppoe.Event) {
	switch e := event.(type) {
	case pppoe.DiscoverySent:
		el.debug(l, string(e.Packet.AppendText([]byte("Send "))))
	case pppoe.DiscoveryReceived:
		el.debug(l, string(e.Packet.AppendText([]byte("Recv "))))
	case pppoe.FrameSent:
		el.debug(l, string(trace.AppendFrame([]byte("sent "), e.Frame, el.Trace)))
	case pppoe.FrameReceived:
		el.debug(l, string(trace.AppendFrame([]byte("rcvd "), e.Frame, el.Trace)))
	case session.Dropped:
		el.debug(l, fmt.Sprintf("dropped %v packet: %v", e.Protocol, e.Err))
	}
}
