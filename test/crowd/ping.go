package crowd

import (
	"fmt"
	"net"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

// repeatInterval is the time until a ping without an answer is repeated.
const repeatInterval = 200 * time.Millisecond

// Ping sends a packet to the server through each session that is online, again and again until it is answered,
// and returns the sessions where none is.
func (c *Crowd) Ping(timeout time.Duration) (silent []Session) {
	number := uint16(c.rand.Uint32() | 1)
	for end := time.Now().Add(timeout); ; time.Sleep(5 * time.Millisecond) {
		c.call(func() { c.sendPings(number) })
		for repeat := time.Now().Add(repeatInterval); time.Now().Before(repeat); time.Sleep(2 * time.Millisecond) {
			if silent = c.silent(number); len(silent) == 0 {
				return nil
			}
		}
		if time.Now().After(end) {
			return silent
		}
	}
}

func (c *Crowd) sendPings(number uint16) {
	for i := range c.clients {
		if is := &c.clients[i]; is.phase == up && is.answered != number {
			c.group.Send(i, is.echoRequest(number))
		}
	}
}

// silent returns the sessions that have not answered the ping of a number.
func (c *Crowd) silent(number uint16) (all []Session) {
	c.call(func() {
		for i, is := range c.clients {
			if is.phase == up && !is.hungUp && is.answered != number {
				all = append(all, Session{address(i).String(), is.id, is.local.String()})
			}
		}
	})
	return all
}

// pingID is the identifier of our echo requests.
const pingID = 0x7570

// echoRequest returns an IPv4 packet to the server's address.
func (is *client) echoRequest(number uint16) []byte {
	message := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: pingID, Seq: int(number), Data: make([]byte, 32)}}
	body, err := message.Marshal(nil)
	if err != nil {
		panic(err) // the message can be encoded
	}
	h := ipv4.Header{
		Version: 4, Len: ipv4.HeaderLen, TotalLen: ipv4.HeaderLen + len(body), TTL: 64, Protocol: 1,
		Src: net.IP(is.local.AsSlice()), Dst: net.IP(is.remote.AsSlice()),
	}
	b, err := h.Marshal()
	if err != nil {
		panic(fmt.Sprintf("%v: %v", h, err)) // so can the header
	}
	sum := headerChecksum(b)
	b[10], b[11] = byte(sum>>8), byte(sum)
	return append(b, body...)
}

// headerChecksum is that of RFC 1071.
func headerChecksum(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// receive notes the answers.
func (c *Crowd) receive(i int, _ time.Time, packet []byte) {
	if len(packet) < ipv4.HeaderLen || packet[0] != 0x45 || packet[9] != 1 {
		return
	}
	m, err := icmp.ParseMessage(1, packet[ipv4.HeaderLen:])
	if err != nil || m.Type != ipv4.ICMPTypeEchoReply {
		return
	}
	if echo, ok := m.Body.(*icmp.Echo); ok && echo.ID == pingID {
		c.clients[i].answered = uint16(echo.Seq)
	}
}
