package pppoe

import (
	"crypto/rand"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// noPort is a Port that accepts all frames and receives none.
type noPort struct{}

func (noPort) ReadBatch([]datapath.Frame) (int, error) { return 0, net.ErrClosed }
func (noPort) WriteBatch(f [][]byte) (int, error)      { return len(f), nil }
func (noPort) Addr() wire.Addr                         { return acAddr }
func (noPort) MTU() int                                { return 1500 }
func (noPort) Close() error                            { return nil }

// nopOwner is an owner that does nothing.
type nopOwner struct{}

func (nopOwner) claimAddress(time.Time, *sessionState, ipcp.Agreement) bool { return true }
func (nopOwner) releaseAddresses(*sessionState, Addressing)                 {}
func (nopOwner) handleDiscovery(time.Time, []byte)                          {}
func (nopOwner) handleEvent(time.Time, *sessionState, Event)                {}
func (nopOwner) deadline() time.Time                                        { return time.Time{} }
func (nopOwner) advance(time.Time)                                          {}
func (nopOwner) stop(time.Time)                                             {}
func (nopOwner) handleUnknownSession(time.Time, datapath.Key, []byte)       {}
func (nopOwner) idle() bool                                                 { return true }
func (nopOwner) completeAuth(*sessionState, string, *AuthResult)            {}

// mssPath is a session's path that records its MSS limits.
type mssPath struct {
	datapath.Session
	limits []datapath.MSSLimit
}

func (c *mssPath) SetMSS(limit datapath.MSSLimit) { c.limits = append(c.limits, limit) }
func (c *mssPath) SetFamilies(bool, bool)         {}

// TestMSSFollowsMTU: the MSS limit follows the agreed MTU.
func TestMSSFollowsMTU(t *testing.T) {
	path := &mssPath{}
	l := newLoop("eth0", Ports{Discovery: noPort{}, Session: noPort{}}, nil, datapath.KindPlain, nil, false, new(atomic.Uint64))
	l.owner = nopOwner{}
	s := &sessionState{sessionIdentity: identityOf(&SessionInfo{SessionID: 7}, nil), policy: &noPolicy, limits: limitState{SessionLimits: &SessionLimits{}}}
	s.ppp.Init(&session.Config{Rand: rand.Reader}, session.Peer{}, new(session.Output))
	for _, mtu := range []int{1492, 1400, 1500} {
		s.desired.MTU = uint16(mtu)
		s.desired.IPv4.local = newAddress(addr4("192.0.2.1"))
		l.reconciled(time.Time{}, s, actual{device: "ppp0", path: path, addressing: s.desired.addressing()})
		got := path.limits[len(path.limits)-1]
		if got.IPv4() != mtu-40 || got.IPv6() != mtu-60 {
			t.Errorf("with MTU %d, the limits are %d and %d", mtu, got.IPv4(), got.IPv6())
		}
	}
}
