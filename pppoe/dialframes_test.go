package pppoe_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// TestHealthyDial: no frame of a dial is sent twice, none is dropped, and none follows when it is
// done. The PADT has the session's tags.
func TestHealthyDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		var mu sync.Mutex
		var frames []string // of sessions, from their addresses on
		l := newLab(t, ethertest.Config{Watch: func(frame []byte) {
			seen.watch(frame)
			if frame[12] == 0x88 && frame[13] == 0x64 {
				mu.Lock()
				defer mu.Unlock()
				frames = append(frames, string(frame))
			}
		}})
		l.server.Session.LCP.RequireAuth = []ppp.Method{chap.MD5}
		l.client.Discovery.HostUniq = []byte("unique")
		l.startServer()
		l.startClient()
		synctest.Wait()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		slices.Sort(frames)
		if n := len(frames); n != 4+3+6+4 || len(slices.Compact(frames)) != n {
			t.Errorf("a dial has %d frames, and some twice; want 4 of LCP, 3 of CHAP, 6 of IPCP, 4 of IPv6CP", n)
		}
		if a, b := count[session.Dropped](&l.clientEvents), count[session.Dropped](&l.serverEvents); a+b > 0 {
			t.Errorf("client and server dropped %d and %d frames of a healthy dial", a, b)
		}
		cookie, _ := seen.all(wire.PADO)[0].Tags.Find(wire.TagACCookie)
		l.stop()
		want := wire.Tags(nil).Append(wire.TagHostUniq, []byte("unique")).Append(wire.TagACCookie, cookie)
		if padt := seen.all(wire.PADT); len(cookie) == 0 || len(padt) == 0 || !slices.Equal(padt[0].Tags, want) {
			t.Errorf("the client's PADT is %v, want Host-Uniq and cookie, % x", padt, want)
		}
	})
}
