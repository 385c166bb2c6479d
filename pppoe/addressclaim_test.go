package pppoe_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// sameAddress is an Authenticator that assigns one address to every user.
type sameAddress netip.Addr

func (f sameAddress) Authenticate(_ context.Context, _ pppoe.SessionInfo, p ppp.AuthResponse) pppoe.AuthResult {
	message, ok := p.Verify([]byte("testpassword"))
	return pppoe.AuthResult{AuthResult: ppp.AuthResult{Accepted: ok, Message: message, Address: netip.Addr(f)}}
}

var theAddress = netip.MustParseAddr("192.0.2.50")

// secondClient returns another client of the lab's server, at another station.
func (l *lab) secondClient(segment *ethertest.Segment) *lab {
	other := newLab(l.t, ethertest.Config{})
	other.segment = segment
	other.client.Session.IPv4 = l.client.Session.IPv4
	other.client.OpenPorts = func() (pppoe.Ports, error) { return segment.Ports(wire.Addr{2, 9}), nil }
	return other
}

// checkAddress checks that the client has the address and its packets flow.
func (l *lab) checkAddress(addr netip.Addr, who string) {
	l.t.Helper()
	c, ok := last[pppoe.Configured](&l.clientEvents)
	online := count[pppoe.SessionEstablished](&l.clientEvents) > count[pppoe.Ended](&l.clientEvents)
	if !ok || !online || c.IPv4.Local != addr {
		l.t.Errorf("%s has %v (online: %v), want %v", who, c.IPv4.Local, online, addr)
	}
}

// TestNewerReplacesOlder: if two clients get one address, by their account or by their own choice,
// the newer one keeps it, and the older session ends before the newer one's packets flow.
func TestNewerReplacesOlder(t *testing.T) {
	for _, c := range []struct {
		what   string
		slow   time.Duration // how long the older session's device takes to go
		gone   bool          // the older client does not answer
		choose bool          // clients choose the address
		apart  bool          // they are on two interfaces
	}{
		{what: "the account's address"},
		{what: "a device that goes slowly", slow: 30 * time.Second},
		{what: "after a power cut", gone: true},
		{what: "an address that clients choose", choose: true},
		{what: "at another interface", apart: true},
		{what: "at another interface, after a power cut, slowly", apart: true, gone: true, slow: 5 * time.Second},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen recorder
				l := newLab(t, ethertest.Config{Watch: seen.watch})
				l.server.Authenticator = sameAddress(theAddress)
				if c.choose {
					v4 := *l.client.Session.IPv4
					v4.Local = theAddress
					l.client.Session.IPv4 = &v4
					l.server.Authenticator, l.server.Session.LCP.RequireAuth, l.server.Pool.First = nil, nil, netip.Addr{}
				}
				elsewhere := l.segment
				if c.apart {
					elsewhere = ethertest.New(ethertest.Config{})
				}
				l.serverHost.slow = c.slow
				l.startServerAtTwo(elsewhere)
				l.startClient()
				time.Sleep(time.Second)
				l.checkAddress(theAddress, "the older")
				if c.gone {
					l.segment.Unplug(clientAddr)
				}

				other := l.secondClient(elsewhere)
				other.startClient()
				time.Sleep(time.Second)
				if c.slow > 0 {
					if n := l.configuredSessions(); n != 1 {
						t.Errorf("packets with the address flow in %d sessions while the older's device has it, want 1", n)
					}
					time.Sleep(3 * c.slow)
				}
				other.checkAddress(theAddress, "the newer")
				time.Sleep(10 * time.Second)
				if e, ok := last[pppoe.Ended](&l.serverEvents); !ok || e.Reason.Cause != session.CauseReplaced || !e.SentPADT {
					t.Errorf("the older session ended with %+v", e)
				}
				if e, ok := last[pppoe.AddressTakenOver](&l.serverEvents); !ok || e.Addr != theAddress || e.By.Peer != (wire.Addr{2, 9}) || count[pppoe.AddressTakenOver](&l.serverEvents) != 1 {
					t.Errorf("AddressTakenOver is %+v", e)
				}
				if closed, ok := last[session.PeerClosed](&l.clientEvents); !c.gone && (!ok || !strings.Contains(closed.Text, "newer session")) {
					t.Errorf("the older client received %+v", closed)
				}
				if c.gone {
					l.segment.Plug(clientAddr)
				}
				other.stopClient()
				time.Sleep(time.Minute)
				l.stop()
			})
		})
	}
}

// configuredSessions returns how many times the server has reported that a session's IPv4 packets
// flow.
func (l *lab) configuredSessions() (n int) {
	l.serverEvents.mu.Lock()
	defer l.serverEvents.mu.Unlock()
	for _, e := range l.serverEvents.events {
		if c, ok := e.(pppoe.Configured); ok && c.HasIPv4() && !c.Previous.HasIPv4() {
			n++
		}
	}
	return n
}

// startServerAtTwo starts a server on the lab's segment and, if it is another, on a second one.
func (l *lab) startServerAtTwo(second *ethertest.Segment) {
	listeners := []pppoe.Listener{{Interface: "s", Ports: l.segment.Ports(serverAddr)}}
	if second != l.segment {
		listeners = append(listeners, pppoe.Listener{Interface: "s2", Ports: second.Ports(serverAddr)})
	}
	s, err := pppoe.NewServer(l.server, listeners)
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stopServer = stop
	l.running.Go(func() {
		if err := s.Run(ctx); err != nil {
			l.t.Errorf("server ended with %v", err)
		}
	})
}

// TestOlderKept: with KeepOlder the server rejects the newer session, and checks the older one, so
// that it ends if its client is gone.
func TestOlderKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.server.Authenticator, l.server.KeepOlder = sameAddress(theAddress), true
		l.startServer()
		l.startClient()
		time.Sleep(time.Second)
		synctest.Wait()
		other := l.secondClient(l.segment)
		other.startClient()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		l.checkAddress(theAddress, "the older")
		if e, ok := last[pppoe.AddressInUse](&l.serverEvents); !ok || e.Addr != theAddress || e.By.Peer != clientAddr {
			t.Errorf("AddressInUse is %+v", e)
		}
		if e, ok := last[pppoe.Ended](&l.serverEvents); !ok || e.Reason.Cause != session.CauseAddressInUse {
			t.Errorf("the newer session ended with %+v, want the cause %v", e, session.CauseAddressInUse)
		}
		if e, ok := last[session.PeerClosed](&other.clientEvents); !ok || !strings.Contains(e.Text, "in use") {
			t.Errorf("the newer client received %+v", e)
		}
		if count[pppoe.Configured](&other.clientEvents) != 0 && count[pppoe.Ended](&other.clientEvents) == 0 {
			t.Error("the newer session continues")
		}

		l.segment.Unplug(clientAddr)
		other.startClient() // is rejected, and makes the server check the older
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if e, _ := last[pppoe.Ended](&l.serverEvents); e.Reason.Cause != session.CausePeerDead {
			t.Errorf("the older session ended with %+v", e)
		}
		other.clientEvents = eventLog{}
		other.startClient()
		time.Sleep(time.Second)
		synctest.Wait()
		other.checkAddress(theAddress, "the next")
		other.stopClient()
		l.segment.Plug(clientAddr)
		l.stop()
	})
}

// TestThreeForOneAddress: the newest session gets the address, whichever waits.
func TestThreeForOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.server.Authenticator = sameAddress(theAddress)
		l.serverHost.slow = 10 * time.Second
		l.startServer()
		l.startClient()
		time.Sleep(time.Second)
		synctest.Wait()
		b, c := l.secondClient(l.segment), l.secondClient(l.segment)
		c.client.OpenPorts = func() (pppoe.Ports, error) { return l.segment.Ports(wire.Addr{2, 10}), nil }
		b.startClient()
		time.Sleep(time.Second)
		synctest.Wait()
		c.startClient()
		time.Sleep(time.Minute)
		synctest.Wait()
		c.checkAddress(theAddress, "the newest")
		if e, ok := last[session.PeerClosed](&b.clientEvents); !ok || !strings.Contains(e.Text, "newer session") {
			t.Errorf("the waiting client received %+v", e)
		}
		if n := count[pppoe.AddressTakenOver](&l.serverEvents); n != 2 {
			t.Errorf("%d were replaced, want 2", n)
		}
		c.stopClient()
		b.stopClient()
		l.stop()
	})
}

// addressOwner is an Authenticator that assigns an address to one user; the others may request any.
type addressOwner struct {
	user string
	addr netip.Addr
}

func (o addressOwner) Authenticate(_ context.Context, _ pppoe.SessionInfo, p ppp.AuthResponse) pppoe.AuthResult {
	message, ok := p.Verify([]byte("testpassword"))
	d := pppoe.AuthResult{AuthResult: ppp.AuthResult{Accepted: ok, Message: message}}
	if p.User() == o.user {
		d.Address = o.addr
	}
	return d
}

// TestAddressOfAnotherUser: a user that requests an address takes it from no other user; a user
// whose account has the address takes it from any.
func TestAddressOfAnotherUser(t *testing.T) {
	for _, c := range []struct {
		older, newer string
		replaced     bool
	}{{"alice", "bob", false}, {"alice", "alice", true}, {"alice", "owner", true}, {"owner", "alice", false}} {
		t.Run(c.older+", then "+c.newer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, ethertest.Config{})
				v4 := *l.client.Session.IPv4
				v4.Local = theAddress
				l.client.Session.IPv4 = &v4
				l.server.Authenticator, l.server.Pool.First = addressOwner{"owner", theAddress}, netip.Addr{}
				l.client.Session.Credentials.Name = c.older
				l.startServer()
				l.startClient()
				time.Sleep(time.Second)
				synctest.Wait()
				l.checkAddress(theAddress, "the older")

				other := l.secondClient(l.segment)
				other.client.Session.Credentials.Name = c.newer
				other.startClient()
				time.Sleep(10 * time.Second)
				synctest.Wait()
				first, second := count[pppoe.Ended](&l.clientEvents) == 0, count[pppoe.Ended](&other.clientEvents) == 0
				if first == c.replaced || second != c.replaced {
					t.Errorf("the older continues: %v, the newer: %v; want the newer to replace the older: %v", first, second, c.replaced)
				}
				if inUse := count[pppoe.AddressInUse](&l.serverEvents) == 1; inUse == c.replaced {
					t.Errorf("AddressInUse was reported: %v", inUse)
				}
				other.stopClient()
				l.stop()
			})
		})
	}
}
