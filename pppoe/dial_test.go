package pppoe_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/pap"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/tun"
)

func TestDialCarryHangUp(t *testing.T) {
	for _, method := range []ppp.Method{chap.MD5, chap.MSv2, pap.Method, nil} {
		t.Run(fmt.Sprintf("%v", method), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, ethertest.Config{})
				l.server.Session.LCP.RequireAuth = nil
				if method != nil {
					l.server.Session.LCP.RequireAuth = []ppp.Method{method}
				}
				began := time.Now()
				l.startServer()
				l.startClient()
				synctest.Wait()

				want := pppoe.Addressing{MTU: 1492}
				want.IPv4 = ipcp.Agreement{
					Local: netip.MustParseAddr("192.0.2.10"), Remote: netip.MustParseAddr("192.0.2.1"),
					DNS: [2]netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("192.0.2.53")},
				}
				got, ok := last[pppoe.Configured](&l.clientEvents)
				if !ok {
					t.Fatalf("the client is not online; its events: %v", l.clientEvents.events)
				}
				if got.MTU != want.MTU || got.IPv4 != want.IPv4 || !got.HasIPv6() {
					t.Errorf("the client is configured with %+v, want %+v and IPv6", got.Addressing, want)
				}
				if took := time.Since(began); took != 0 {
					t.Errorf("a dial without loss took %v, want no timer", took)
				}
				l.exchange()
				l.stop()
				if end := (*pppoe.EndError)(nil); !errors.As(l.clientErr, &end) || end.Reason.Cause != session.CauseUserRequest || !end.Online {
					t.Errorf("the client ended with %v, want a user request after it was online", l.clientErr)
				}
				ended, _ := last[pppoe.Ended](&l.serverEvents)
				if ended.Reason.Cause != session.CausePeerTerminated || ended.Counters.ReceivedPackets != 1 || ended.Counters.SentPackets != 1 {
					t.Errorf("the server's session ended with %+v, want terminated by the peer after one packet each way", ended)
				}
			})
		})
	}
}

func TestWrongPassword(t *testing.T) {
	for _, method := range []ppp.Method{chap.MD5, chap.MSv2, pap.Method} {
		t.Run(fmt.Sprint(method), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, ethertest.Config{})
				l.server.Session.LCP.RequireAuth = []ppp.Method{method}
				l.server.Authenticator = accounts{"testuser": "another"}
				l.startServer()
				l.startClient()
				time.Sleep(time.Minute)
				synctest.Wait()
				if end := (*pppoe.EndError)(nil); !errors.As(l.clientErr, &end) || end.Reason.Cause != session.CauseNotAuthenticated {
					t.Errorf("the client ended with %v, want not-authenticated", l.clientErr)
				}
				if e, ok := last[pppoe.Ended](&l.serverEvents); !ok || e.Reason.Cause != session.CausePeerNotAuthenticated {
					t.Errorf("the server's session ended with %+v, want peer-not-authenticated", e)
				}
				if l.serverHost.made != 0 {
					t.Error("the server opened a device for a peer that is not authenticated")
				}
				l.stop()
			})
		})
	}
}

func TestLossyLink(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{Seed: seed, Loss: 0.15, Duplicate: 0.15, Delay: 40 * time.Millisecond})
			l.client.Redial = pppoe.Redial{Persist: true, Holdoff: time.Second, MaxFail: -1}
			l.startServer()
			l.startClient()
			time.Sleep(4 * time.Minute)
			synctest.Wait()
			if c, ok := last[pppoe.Configured](&l.clientEvents); !ok || !c.HasIPv4() {
				t.Errorf("seed %d: the client is not online after four minutes", seed)
			}
			l.stop()
		})
	}
}

func TestHostWithoutDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.clientHost.openErr = tun.ErrNoDevice
		l.startServer()
		l.startClient()
		time.Sleep(time.Minute)
		synctest.Wait()
		if !errors.Is(l.clientErr, tun.ErrNoDevice) {
			t.Errorf("the client ended with %v, want ErrNoDevice", l.clientErr)
		}
		if n := count[pppoe.Ended](&l.serverEvents); n != 1 {
			t.Errorf("%d sessions ended at the server, want 1: the client terminates its session", n)
		}
		l.stop()
	})
}
