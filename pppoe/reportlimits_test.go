package pppoe_test

import (
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// floodSize is far more than anybody wants to read of.
const floodSize = 500

// TestRejectionsReportedOnce: a concentrator that refuses again and again, or a forger with many
// addresses, does not fill the log.
func TestRejectionsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.startClient()
		synctest.Wait()
		uniq, _ := seen.all(wire.PADI)[0].Tags.Find(wire.TagHostUniq)
		tags := wire.Tags(nil).Append(wire.TagACName, []byte("x")).Append(wire.TagHostUniq, uniq).Append(wire.TagACSystemError, []byte("no"))
		refuse := func(i int) {
			l.segment.Send(forge(clientAddr, wire.Addr{2, 1, byte(i >> 8), byte(i)}, wire.PADO, 0, tags))
			synctest.Wait()
		}
		refuse(0)
		refuse(0)
		if n := count[pppoe.Rejected](&l.clientEvents); n != 1 {
			t.Errorf("a concentrator's refusal is told %d times, want once", n)
		}
		for i := range floodSize {
			refuse(i)
		}
		if n := count[pppoe.Rejected](&l.clientEvents); n != 16 {
			t.Errorf("refusals of %d addresses are told %d times, want 16", floodSize, n)
		}
		l.stopClient()
		l.running.Wait()
	})
}

// TestFullReportLimited: who asks a full server again and again does not fill its log,
// though each time he is refused.
func TestFullReportLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.server.Pool.Max = 1
		l.startServer()
		l.startClient()
		synctest.Wait()
		stranger := wire.Addr{2, 9}
		any := wire.Tags(nil).Append(wire.TagServiceName, nil)
		l.segment.Send(forge(wire.Broadcast, stranger, wire.PADI, 0, any))
		synctest.Wait()
		cookie, _ := seen.all(wire.PADO)[1].Tags.Find(wire.TagACCookie)
		ask := func() {
			l.segment.Send(forge(serverAddr, stranger, wire.PADR, 0, any.Append(wire.TagACCookie, cookie)))
			synctest.Wait()
		}
		for range floodSize {
			ask()
		}
		if told, refused := count[pppoe.NoFreeSlots](&l.serverEvents), len(seen.all(wire.PADS))-1; told != 5 || refused != floodSize {
			t.Errorf("%d requests are refused %d times, and %d times told of, want 5", floodSize, refused, told)
		}
		time.Sleep(time.Second)
		ask()
		if told := count[pppoe.NoFreeSlots](&l.serverEvents); told != 6 {
			t.Errorf("a second later it is not told of: %d", told)
		}
		if e, _ := last[pppoe.NoFreeSlots](&l.serverEvents); e.Suppressed != floodSize-5 {
			t.Errorf("that %d were left out is told, want %d", e.Suppressed, floodSize-5)
		}
		l.stop()
	})
}

// TestSlotsOfOneClient: one station, which can ask under any Host-Uniq, has no more slots at a
// time than a client may have, and another one again as soon as one is free.
func TestSlotsOfOneClient(t *testing.T) {
	for each, want := range map[int]int{0: 4, 2: 2} {
		synctest.Test(t, func(t *testing.T) {
			var seen recorder
			l := newLab(t, ethertest.Config{Watch: seen.watch})
			l.server.Pool.MaxPerClient = each
			l.startServer()
			greedy := requester{&seen, l.segment, wire.Addr{2, 9}}
			for i := range byte(6) {
				greedy.request(i)
			}
			l.checkSessions(6, 6-want, "of those of one station")
			latest := seen.all(wire.PADS)[5]
			l.segment.Send(forge(serverAddr, greedy.station, wire.PADT, latest.SessionID, nil))
			synctest.Wait()
			greedy.request(7)
			l.checkSessions(7, 7-want, "after the end of one")
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
