package pppoe_test

import (
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
)

// flood is far more than anybody wants to read of.
const flood = 500

// TestRefusalsAreToldOnce: a concentrator that refuses again and again, or a forger with many
// addresses, does not fill the log.
func TestRefusalsAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.startClient()
		synctest.Wait()
		uniq, _ := seen.all(pppoe.PADI)[0].Tags.Find(pppoe.TagHostUniq)
		tags := pppoe.Tags(nil).Append(pppoe.TagACName, []byte("x")).Append(pppoe.TagHostUniq, uniq).Append(pppoe.TagACSystemError, []byte("no"))
		refuse := func(i int) {
			l.segment.Send(forge(clientAddr, pppoe.Addr{2, 1, byte(i >> 8), byte(i)}, pppoe.PADO, 0, tags))
			synctest.Wait()
		}
		refuse(0)
		refuse(0)
		if n := count[pppoe.RefusedByAC](&l.clientEvents); n != 1 {
			t.Errorf("a concentrator's refusal is told %d times, want once", n)
		}
		for i := range flood {
			refuse(i)
		}
		if n := count[pppoe.RefusedByAC](&l.clientEvents); n != 16 {
			t.Errorf("refusals of %d addresses are told %d times, want 16", flood, n)
		}
		l.stopClient()
		l.running.Wait()
	})
}

// TestFullIsToldWithinBounds: who asks a full server again and again does not fill its log,
// though each time he is refused.
func TestFullIsToldWithinBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.server.Pool.Max = 1
		l.startServer()
		l.startClient()
		synctest.Wait()
		stranger := pppoe.Addr{2, 9}
		any := pppoe.Tags(nil).Append(pppoe.TagServiceName, nil)
		l.segment.Send(forge(pppoe.Broadcast, stranger, pppoe.PADI, 0, any))
		synctest.Wait()
		cookie, _ := seen.all(pppoe.PADO)[1].Tags.Find(pppoe.TagACCookie)
		ask := func() {
			l.segment.Send(forge(serverAddr, stranger, pppoe.PADR, 0, any.Append(pppoe.TagACCookie, cookie)))
			synctest.Wait()
		}
		for range flood {
			ask()
		}
		if told, refused := count[pppoe.Full](&l.serverEvents), len(seen.all(pppoe.PADS))-1; told != 5 || refused != flood {
			t.Errorf("%d requests are refused %d times, and %d times told of, want 5", flood, refused, told)
		}
		time.Sleep(time.Second)
		ask()
		if told := count[pppoe.Full](&l.serverEvents); told != 6 {
			t.Errorf("a second later it is not told of: %d", told)
		}
		if e, _ := last[pppoe.Full](&l.serverEvents); e.LeftOut != flood-5 {
			t.Errorf("that %d were left out is told, want %d", e.LeftOut, flood-5)
		}
		l.stop()
	})
}

// TestSlotsOfOneClient: one station, which can ask under any Host-Uniq, gets no more slots than
// a client may have, and another one again as soon as one is free.
func TestSlotsOfOneClient(t *testing.T) {
	for each, want := range map[int]int{0: 4, 2: 2} {
		synctest.Test(t, func(t *testing.T) {
			var seen recorder
			l := newLab(t, ethertest.Config{Watch: seen.watch})
			l.server.Pool.Each = each
			l.startServer()
			greedy := pppoe.Addr{2, 9}
			ask := func(uniq byte) {
				tags := pppoe.Tags(nil).Append(pppoe.TagServiceName, nil).Append(pppoe.TagHostUniq, []byte{uniq})
				l.segment.Send(forge(pppoe.Broadcast, greedy, pppoe.PADI, 0, tags))
				synctest.Wait()
				offers := seen.all(pppoe.PADO)
				cookie, _ := offers[len(offers)-1].Tags.Find(pppoe.TagACCookie)
				l.segment.Send(forge(serverAddr, greedy, pppoe.PADR, 0, tags.Append(pppoe.TagACCookie, cookie)))
				synctest.Wait()
			}
			for i := range byte(6) {
				ask(i)
			}
			if n := count[pppoe.SessionGranted](&l.serverEvents); n != want {
				t.Errorf("with %d for each client one has %d sessions, want %d", each, n, want)
			}
			first := seen.all(pppoe.PADS)[0]
			l.segment.Send(forge(serverAddr, greedy, pppoe.PADT, first.SessionID, nil))
			synctest.Wait()
			ask(7)
			ask(8)
			if n := count[pppoe.SessionGranted](&l.serverEvents); n != want+1 {
				t.Errorf("after the end of one it has had %d, want %d", n, want+1)
			}
			if each > 0 { // others find room
				l.startClient()
				synctest.Wait()
				l.exchange()
				l.stop()
				return
			}
			l.stopServer()
			l.running.Wait()
		})
	}
}
