package pppoe

import (
	"crypto/rand"
	"net"
	"net/netip"
	"testing"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp/session"
)

// noPort is a Port that takes everything and has nothing.
type noPort struct{}

func (noPort) ReadBatch([]Frame) (int, error)     { return 0, net.ErrClosed }
func (noPort) WriteBatch(f [][]byte) (int, error) { return len(f), nil }
func (noPort) Addr() Addr                         { return acAddr }
func (noPort) MTU() int                           { return 1500 }
func (noPort) Close() error                       { return nil }

// bystander is an owner that does nothing.
type bystander struct{}

func (bystander) claim(time.Time, *tunnel, ipcp.Agreement) bool { return true }
func (bystander) unclaim(*tunnel, Addressing)                   {}
func (bystander) discover(time.Time, []byte)                    {}
func (bystander) heed(time.Time, *tunnel, Event)                {}
func (bystander) deadline() time.Time                           { return time.Time{} }
func (bystander) advance(time.Time)                             {}
func (bystander) stop(time.Time)                                {}
func (bystander) stray(time.Time, Addr, uint16, []byte)         {}
func (bystander) idle() bool                                    { return true }
func (bystander) decided(*tunnel, *Decision)                    {}

// clamped is a Path that notes the limits that it is given.
type clamped struct {
	Path
	limits []MSSLimit
}

func (c *clamped) Clamp(_ uint16, limit MSSLimit) { c.limits = append(c.limits, limit) }
func (c *clamped) Allow(uint16, bool, bool)       {}

// TestMSSFollowsMTU: a session that has agreed on another MTU has another limit.
func TestMSSFollowsMTU(t *testing.T) {
	path := &clamped{}
	l := newLoop("eth0", Ports{Discovery: noPort{}, Session: noPort{}}, nil, DataPathPlain, nil, false)
	l.owner, l.data = bystander{}, path
	s := &tunnel{Line: Line{SessionID: 7}, session: session.New(&session.Config{Rand: rand.Reader})}
	for _, mtu := range []int{1492, 1400, 1500} {
		s.want.MTU = mtu
		s.want.IPv4.Local = netip.MustParseAddr("192.0.2.1")
		l.fitted(time.Time{}, s, fitted{device: "ppp0", have: s.want.Addressing})
		got := path.limits[len(path.limits)-1]
		if got.IPv4() != mtu-40 || got.IPv6() != mtu-60 {
			t.Errorf("with MTU %d, the limits are %d and %d", mtu, got.IPv4(), got.IPv6())
		}
	}
}
