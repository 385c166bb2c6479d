package pppoe_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/chap"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

func persist(holdoff time.Duration, maxFail int) pppoe.Redial {
	return pppoe.Redial{Persist: true, Holdoff: holdoff, MaxFail: maxFail, Jitter: func() float64 { return 0 }}
}

// checkOnline checks how many times the client has reached the network phase.
func (l *lab) checkOnline(want int, when string) {
	l.t.Helper()
	synctest.Wait()
	if n := count[session.NetworkPhase](&l.clientEvents); n != want {
		l.t.Fatalf("%s the client had reached the network phase %d times, want %d; its events: %v", when, n, want, l.clientEvents.events)
	}
}

// cause returns why the client's Run ended.
func (l *lab) cause() session.Cause {
	if end := (*pppoe.EndError)(nil); errors.As(l.clientErr, &end) {
		return end.Reason.Cause
	}
	return session.CauseUnknown
}

// TestRedial: with Persist, a client is online within 2 s of its server's return, however long that
// was away.
func TestRedial(t *testing.T) {
	for _, away := range []time.Duration{0, time.Second, 5 * time.Second, 90 * time.Second} {
		t.Run(away.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, ethertest.Config{})
				l.client.Redial = persist(30*time.Second, 0)
				l.startServer()
				l.startClient()
				l.checkOnline(1, "at first")
				l.stopServer()
				synctest.Wait() // its PADTs are sent: they would end sessions of the next server, which has the same address
				time.Sleep(away)
				l.startServer()
				time.Sleep(2 * time.Second)
				l.checkOnline(2, "2 s after the server's return")
				l.stop()
			})
		})
	}
}

// TestHostNetworkFails: if the host's network cannot be configured, the session ends on both sides,
// and this is reported once.
func TestHostNetworkFails(t *testing.T) {
	for _, side := range []string{"client", "server"} {
		t.Run(side, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, ethertest.Config{})
				host, events, cause := l.clientHost, &l.clientEvents, session.CauseNetworkConfigFailed
				if side == "server" {
					host, events, cause = l.serverHost, &l.serverEvents, session.CausePeerTerminated
				}
				host.configureErr = errors.New("no room")
				l.startServer()
				l.startClient()
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if got := l.cause(); got != cause {
					t.Errorf("the client ended for %v, want %v: %v", got, cause, l.clientErr)
				}
				if n := count[pppoe.HostNetworkFailed](events); n != 1 {
					t.Errorf("HostNetworkFailed was reported %d times, want once", n)
				}
				if n := count[pppoe.Ended](&l.serverEvents); n != 1 {
					t.Errorf("at the server %d sessions ended, want one", n)
				}
				l.stop()
			})
		})
	}
}

// TestMaxFail: without a server, the client gives up after MaxFail dials.
func TestMaxFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.client.Redial = persist(time.Second, 3)
		began := time.Now()
		l.startClient()
		l.running.Wait()
		if took := time.Since(began); !errors.Is(l.clientErr, pppoe.ErrDiscovery) || took != 3*35*time.Second+3*time.Second {
			t.Errorf("the client ended with %v after %v, want ErrDiscovery after three dials of 35 s and pauses of 1 s and 2 s", l.clientErr, took)
		}
	})
}

// TestRedialOnRequest: Redial (pppd's SIGHUP) ends the session and dials again, and ends a pause.
func TestRedialOnRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.client.Redial = persist(time.Hour, 0)
		l.client.Discovery.Attempts = 1
		l.startClient()
		time.Sleep(time.Minute) // it has failed, and pauses
		l.startServer()
		l.dialer.Redial()
		l.checkOnline(1, "after the pause was ended")
		l.dialer.Redial()
		l.checkOnline(2, "after a request to redial")
		if e, _ := last[pppoe.Ended](&l.serverEvents); e.Reason.Cause != session.CausePeerTerminated {
			t.Errorf("the server's session ended with %v, want terminated by the peer", e.Reason)
		}
		l.stop()
		if l.cause() != session.CauseUserRequest {
			t.Errorf("the client ended with %v", l.clientErr)
		}
	})
}

// TestRedialWithoutPersist: without Persist, Redial ends the client.
func TestRedialWithoutPersist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.startServer()
		l.startClient()
		l.checkOnline(1, "at first")
		l.dialer.Redial()
		synctest.Wait()
		if l.cause() != session.CauseUserRequest {
			t.Errorf("the client ended with %v, want user-request", l.clientErr)
		}
		l.stop()
	})
}

// TestInterfaceStates: the effect of interface states, as netlink reports them.
func TestInterfaceStates(t *testing.T) {
	for _, c := range []struct {
		what   string
		play   func(l *lab)
		online int // how often, in the end
	}{
		{"a short loss of carrier has no effect", func(l *lab) {
			l.dialer.SetInterfaceState(pppoe.InterfaceNoCarrier)
			time.Sleep(9 * time.Second)
			l.dialer.SetInterfaceState(pppoe.InterfaceUp)
		}, 1},
		{"a long one ends the session", func(l *lab) {
			l.dialer.SetInterfaceState(pppoe.InterfaceNoCarrier)
			time.Sleep(11 * time.Second)
			if n := count[pppoe.Ended](&l.clientEvents); n != 1 {
				l.t.Errorf("%d sessions ended without carrier, want one", n)
			}
			l.dialer.SetInterfaceState(pppoe.InterfaceUp)
		}, 2},
		{"an interface that is set down and up", func(l *lab) {
			l.dialer.SetInterfaceState(pppoe.InterfaceDown)
			time.Sleep(time.Hour)
			l.checkOnline(1, "with its interface down")
			l.dialer.SetInterfaceState(pppoe.InterfaceUp)
		}, 2},
		{"a server that went away while there was no carrier", func(l *lab) {
			l.dialer.SetInterfaceState(pppoe.InterfaceNoCarrier)
			l.segment.Unplug(serverAddr)
			time.Sleep(time.Second)
			l.dialer.SetInterfaceState(pppoe.InterfaceUp)
			time.Sleep(5 * time.Second)
			l.segment.Plug(serverAddr)
		}, 2},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, ethertest.Config{})
				l.client.Redial = persist(0, 0)
				l.startServer()
				l.startClient()
				l.checkOnline(1, "at first")
				c.play(l)
				time.Sleep(10 * time.Second)
				l.checkOnline(c.online, "in the end")
				l.stop()
			})
		})
	}
}

// TestLimits: idle time, session time and volume end a session, each with its cause.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		limits pppoe.SessionLimits
		want   session.Cause
		after  time.Duration
	}{
		{pppoe.SessionLimits{IdleTimeout: 20 * time.Second}, session.CauseIdle, 30 * time.Second}, // a packet after 10 s
		{pppoe.SessionLimits{SessionTimeout: 15 * time.Second}, session.CauseExpired, 15 * time.Second},
		{pppoe.SessionLimits{MaxBytes: 20}, session.CauseExhausted, 11 * time.Second},
		{pppoe.SessionLimits{MaxBytes: 41}, session.CauseUnknown, 0},
		{pppoe.SessionLimits{MaxBytes: 40}, session.CauseExhausted, 11 * time.Second},
		{pppoe.SessionLimits{MaxBytes: 40, Count: pppoe.CountLarger}, session.CauseUnknown, 0},
		{pppoe.SessionLimits{IdleTimeout: 20 * time.Second, SessionTimeout: 5 * time.Second}, session.CauseExpired, 5 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			l.client.Limits = c.limits
			l.startServer()
			l.startClient()
			began, took := time.Now(), time.Duration(0)
			l.running.Go(func() {
				for range 60 {
					time.Sleep(time.Second)
					if _, over := last[pppoe.Ended](&l.clientEvents); over && took == 0 {
						took = time.Since(began)
					}
				}
			})
			time.Sleep(9*time.Second + 500*time.Millisecond)
			if count[pppoe.Ended](&l.clientEvents) == 0 {
				l.exchange()
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := l.cause(); got != c.want || took > c.after+time.Second || took < c.after-time.Second {
				t.Errorf("with %+v the client ended with %v after %v, want %v after %v", c.limits, l.clientErr, took, c.want, c.after)
			}
			if lost, ok := last[pppoe.NetworkLost](&l.clientEvents); c.want == session.CauseIdle && (!ok || lost.Counters.SentPackets != 1 || lost.Counters.ReceivedBytes != 20 || lost.Uptime < 25*time.Second) {
				t.Errorf("NetworkLost is %+v", lost)
			}
			l.stop()
		})
	}
}

// TestStaleSession: a session that a crash has left is terminated before the next dial.
func TestStaleSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.server.Pool.Max = 1
		l.startServer()
		l.startClient()
		l.checkOnline(1, "at first")
		granted, _ := last[pppoe.SessionEstablished](&l.clientEvents)
		l.segment.Unplug(clientAddr)
		l.stopClient()
		time.Sleep(time.Minute)
		l.segment.Plug(clientAddr)

		l.client.Stale = []pppoe.StaleSession{{SessionID: granted.SessionID, AC: granted.AC}}
		l.startClient()
		time.Sleep(200 * time.Millisecond)
		l.checkOnline(2, "200 ms after a crash")
		l.stop()
	})
}

// TestPreviousAddressRequested: a redial requests the same address and gets it from the same
// server; from another server it accepts that one's.
func TestPreviousAddressRequested(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requested atomic.Bool
		l := newLab(t, ethertest.Config{Watch: func(f []byte) {
			if bytes.Contains(f, []byte{0x80, 0x21, 1}) && bytes.Contains(f, []byte{3, 6, 192, 0, 2, 10}) {
				requested.Store(true)
			}
		}})
		l.client.Redial = persist(0, 0)
		// The first session has ended before the server answers the redial.
		delay, err := discovery.ParsePADODelay("100")
		if err != nil {
			t.Fatal(err)
		}
		l.server.Access.PADODelay = delay
		l.startServer()
		l.startClient()
		time.Sleep(time.Second)
		l.checkOnline(1, "at first")
		requested.Store(false)
		l.dialer.Redial()
		time.Sleep(time.Second)
		l.checkOnline(2, "the second time")
		if !requested.Load() {
			t.Error("the address of the first session was not requested again")
		}
		l.checkAddress(netip.MustParseAddr("192.0.2.10"), "after the redial")
		l.stopServer()
		synctest.Wait()
		l.server.Pool.First = netip.MustParseAddr("192.0.2.20")
		l.startServer()
		time.Sleep(time.Minute)
		l.checkAddress(netip.MustParseAddr("192.0.2.20"), "at another server")
		l.stop()
	})
}

// TestAnotherConcentrator: a concentrator whose sessions fail is avoided.
func TestAnotherConcentrator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.client.Redial = persist(time.Second, 0)
		l.server.Authenticator = accounts{"testuser": "another"}
		l.startServer()
		l.startClient()
		time.Sleep(5 * time.Second)
		bad := l.stopServer
		l.server.Authenticator = accounts{"testuser": "testpassword"}
		good := wire.Addr{2, 0, 0x5e, 0, 0x53, 9}
		l.startServerAt(good)
		time.Sleep(10 * time.Second)
		l.checkOnline(1, "after the pause for a rejected password")
		if g, _ := last[pppoe.SessionEstablished](&l.clientEvents); g.AC != good {
			t.Errorf("the second dial went to %v, want %v", g.AC, good)
		}
		bad()
		l.stop()
	})
}

// TestAuthenticateConcentrator: a client may require its concentrator to authenticate.
func TestAuthenticateConcentrator(t *testing.T) {
	for _, secret := range []string{"right", "wrong"} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			l.client.Session.Name = "testuser"
			l.client.Session.LCP.RequireAuth = []ppp.Method{chap.MD5}
			l.client.Authenticator = accounts{"ac": "right"}
			l.server.Session.Credentials = ppp.Credentials{Name: "ac", Secret: func(string) ([]byte, bool) { return []byte(secret), true }}
			l.server.Session.LCP.AllowAuth = []ppp.Method{chap.MD5}
			l.startServer()
			l.startClient()
			time.Sleep(time.Minute)
			synctest.Wait()
			_, online := last[pppoe.Configured](&l.clientEvents)
			if good := secret == "right"; online != good || !good && l.cause() != session.CausePeerNotAuthenticated {
				t.Errorf("with the %s secret: online %v, ended with %v", secret, online, l.clientErr)
			}
			l.stop()
		})
	}
}

// TestConnectDelay: PPP waits for ConnectDelay, or until the peer begins.
func TestConnectDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.client.ConnectDelay = time.Hour
		l.startServer()
		l.startClient()
		time.Sleep(5 * time.Second) // its first request may come before there is a session
		l.checkOnline(1, "since the peer began,")
		l.stop()
	})
}

// latePADSPort is a port that delays each PADS.
type latePADSPort struct{ datapath.Port }

func (l latePADSPort) WriteBatch(frames [][]byte) (int, error) {
	if f, err := wire.ParseDiscoveryFrame(frames[0]); err != nil || f.Code != wire.PADS {
		return l.Port.WriteBatch(frames)
	}
	again := [][]byte{slices.Clone(frames[0])}
	time.AfterFunc(10*time.Millisecond, func() { l.Port.WriteBatch(again) })
	return len(frames), nil
}

// TestRequestBeforePADS: a peer's first request that overtakes the PADS is not lost, which would
// cost its Restart period.
func TestRequestBeforePADS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.client.ConnectDelay = time.Hour
		ports := l.segment.Ports(serverAddr)
		ports.Discovery = latePADSPort{ports.Discovery}
		l.startServerOn(ports)
		l.startClient()
		time.Sleep(100 * time.Millisecond)
		l.checkOnline(1, "since the peer began,")
		l.stop()
	})
}

// TestSmallMTU: the MRU is limited by the carrier's MTU.
func TestSmallMTU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{MTU: 1450})
		l.startServer()
		l.startClient()
		l.checkOnline(1, "over a carrier of 1450 octets")
		if c, _ := last[pppoe.Configured](&l.clientEvents); c.MTU != 1442 {
			t.Errorf("the MTU is %d, want 1442", c.MTU)
		}
		l.stop()
	})
}

// TestAdaptiveEcho: with Adaptive, no Echo-Request is sent while packets arrive.
func TestAdaptiveEcho(t *testing.T) {
	for _, adaptive := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var requested atomic.Int32
			l := newLab(t, ethertest.Config{Watch: func(f []byte) {
				if len(f) > 22 && f[12] == 0x88 && f[13] == 0x64 && bytes.Equal(f[20:23], []byte{0xc0, 0x21, 9}) {
					requested.Add(1)
				}
			}})
			l.client.Session.LCP.Echo = lcp.Echo{Interval: 10 * time.Second, Failures: 3, Adaptive: adaptive}
			l.startServer()
			l.startClient()
			for range 20 {
				time.Sleep(5 * time.Second)
				l.exchange()
			}
			if n := requested.Load(); adaptive && n > 2 || !adaptive && n < 10 {
				t.Errorf("adaptive %v: %d Echo-Requests in 100 s of traffic", adaptive, n)
			}
			l.stop()
		})
	}
}

// TestAwaitTraffic: a dial waits for AwaitTraffic.
func TestAwaitTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		wanted := make(chan struct{})
		l.client.AwaitTraffic = func(ctx context.Context) {
			select {
			case <-wanted:
			case <-ctx.Done():
			}
		}
		l.client.Redial = persist(0, 0)
		l.client.Limits.IdleTimeout = 10 * time.Second
		l.startServer()
		l.startClient()
		time.Sleep(time.Hour)
		l.checkOnline(0, "before it was wanted")
		wanted <- struct{}{}
		l.checkOnline(1, "once wanted")
		time.Sleep(time.Hour)
		if n := count[pppoe.Ended](&l.clientEvents); n != 1 {
			t.Errorf("%d sessions ended for idleness, want one", n)
		}
		wanted <- struct{}{}
		l.checkOnline(2, "wanted again")
		l.stop()
	})
}

// TestAnnouncements: PADMs of the session's concentrator are reported, and no others, at most 16.
func TestAnnouncements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.startServer()
		l.startClient()
		l.checkOnline(1, "at first")
		granted, _ := last[pppoe.SessionEstablished](&l.clientEvents)
		tags := wire.Tags(nil).Append(wire.TagMOTM, []byte("welcome"))
		say := func(src wire.Addr, id uint16) {
			l.segment.Send(wire.DiscoveryFrame{Dst: clientAddr, Src: src, Discovery: wire.Discovery{Code: wire.PADM, SessionID: id, Tags: tags}}.AppendTo(nil))
			synctest.Wait()
		}
		say(wire.Addr{2, 9, 9, 9, 9, 9}, granted.SessionID)
		say(serverAddr, granted.SessionID+1)
		if n := count[pppoe.Announced](&l.clientEvents); n != 0 {
			t.Errorf("%d forged announcements were reported", n)
		}
		for range 100 {
			say(serverAddr, granted.SessionID)
		}
		if n := count[pppoe.Announced](&l.clientEvents); n != 16 {
			t.Errorf("%d announcements were reported, want 16", n)
		}
		l.stop()
	})
}

// TestAccessLine: PADI and PADR have the client's access line, and the server can parse it.
func TestAccessLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.server.Trace = true
		l.client.Discovery.AccessLine = wire.AccessLine{CircuitID: "dslam1 atm 1/2:3.4", RemoteID: "subscriber"}
		l.startServer()
		l.startClient()
		l.checkOnline(1, "with an access line")
		heard := 0
		for _, e := range l.serverEvents.events {
			if r, ok := e.(pppoe.DiscoveryReceived); ok && r.Packet.Tags.AccessLine() == l.client.Discovery.AccessLine {
				heard++
			}
		}
		if heard != 2 {
			t.Errorf("%d packets have the access line, want PADI and PADR", heard)
		}
		l.stop()
	})
}
