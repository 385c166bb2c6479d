package pppoe

import (
	"crypto/rand"
	"net"
	"net/netip"
	"testing"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// noPort is a Port that takes everything and has nothing.
type noPort struct{}

func (noPort) ReadBatch([]datapath.Frame) (int, error) { return 0, net.ErrClosed }
func (noPort) WriteBatch(f [][]byte) (int, error)      { return len(f), nil }
func (noPort) Addr() wire.Addr                         { return acAddr }
func (noPort) MTU() int                                { return 1500 }
func (noPort) Close() error                            { return nil }

// bystander is an owner that does nothing.
type bystander struct{}

func (bystander) claim(time.Time, *tunnel, ipcp.Agreement) bool      { return true }
func (bystander) unclaim(*tunnel, Addressing)                        {}
func (bystander) handleDiscovery(time.Time, []byte)                  {}
func (bystander) handleEvent(time.Time, *tunnel, Event)              {}
func (bystander) deadline() time.Time                                { return time.Time{} }
func (bystander) advance(time.Time)                                  {}
func (bystander) stop(time.Time)                                     {}
func (bystander) handleUnknown(time.Time, wire.Addr, uint16, []byte) {}
func (bystander) idle() bool                                         { return true }
func (bystander) decided(*tunnel, *AuthResult)                       {}

// clamped is a Path that notes the limits that it is given.
type clamped struct {
	datapath.Path
	limits []datapath.MSSLimit
}

func (c *clamped) SetMSS(_ uint16, limit datapath.MSSLimit) { c.limits = append(c.limits, limit) }
func (c *clamped) SetFamilies(uint16, bool, bool)           {}

// TestMSSFollowsMTU: a session that has agreed on another MTU has another limit.
func TestMSSFollowsMTU(t *testing.T) {
	path := &clamped{}
	l := newLoop("eth0", Ports{Discovery: noPort{}, Session: noPort{}}, nil, datapath.KindPlain, nil, false)
	l.owner, l.data = bystander{}, path
	s := &tunnel{SessionInfo: SessionInfo{SessionID: 7}, session: session.New(&session.Config{Rand: rand.Reader})}
	for _, mtu := range []int{1492, 1400, 1500} {
		s.want.MTU = mtu
		s.want.IPv4.Local = netip.MustParseAddr("192.0.2.1")
		l.reconciled(time.Time{}, s, actual{device: "ppp0", have: s.want.Addressing})
		got := path.limits[len(path.limits)-1]
		if got.IPv4() != mtu-40 || got.IPv6() != mtu-60 {
			t.Errorf("with MTU %d, the limits are %d and %d", mtu, got.IPv4(), got.IPv6())
		}
	}
}
