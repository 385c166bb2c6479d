package pppoe_test

import (
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// floodSize is far more packets than are reported.
const floodSize = 500

// TestRejectionsReportedOnce: neither a concentrator that rejects repeatedly nor a forger with many
// addresses fills the log.
func TestRejectionsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.startClient()
		synctest.Wait()
		uniq, _ := seen.all(wire.PADI)[0].Tags.Find(wire.TagHostUniq)
		tags := wire.Tags(nil).Append(wire.TagACName, []byte("x")).Append(wire.TagHostUniq, uniq).Append(wire.TagACSystemError, []byte("no"))
		reject := func(i int) {
			l.segment.Send(forge(clientAddr, wire.Addr{2, 1, byte(i >> 8), byte(i)}, wire.PADO, 0, tags))
			synctest.Wait()
		}
		reject(0)
		reject(0)
		if n := count[pppoe.Rejected](&l.clientEvents); n != 1 {
			t.Errorf("a concentrator's rejection is reported %d times, want once", n)
		}
		for i := range floodSize {
			reject(i)
		}
		if n := count[pppoe.Rejected](&l.clientEvents); n != 16 {
			t.Errorf("rejections of %d addresses are reported %d times, want 16", floodSize, n)
		}
		l.stopClient()
		l.running.Wait()
	})
}

// TestFullReportLimited: a station that requests sessions of a full server repeatedly does not fill
// its log, though each request is rejected.
func TestFullReportLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.server.Pool.Max = 1
		l.startServer()
		l.startClient()
		synctest.Wait()
		station := wire.Addr{2, 9}
		any := wire.Tags(nil).Append(wire.TagServiceName, nil)
		l.segment.Send(forge(wire.Broadcast, station, wire.PADI, 0, any))
		synctest.Wait()
		cookie, _ := seen.all(wire.PADO)[1].Tags.Find(wire.TagACCookie)
		ask := func() {
			l.segment.Send(forge(serverAddr, station, wire.PADR, 0, any.Append(wire.TagACCookie, cookie)))
			synctest.Wait()
		}
		for range floodSize {
			ask()
		}
		if reported, rejected := count[pppoe.NoFreeSlots](&l.serverEvents), len(seen.all(wire.PADS))-1; reported != 5 || rejected != floodSize {
			t.Errorf("%d requests are rejected %d times and reported %d times, want 5 reports", floodSize, rejected, reported)
		}
		time.Sleep(time.Second)
		ask()
		if reported := count[pppoe.NoFreeSlots](&l.serverEvents); reported != 6 {
			t.Errorf("a second later it is not reported: %d", reported)
		}
		if e, _ := last[pppoe.NoFreeSlots](&l.serverEvents); e.Suppressed != floodSize-5 {
			t.Errorf("Suppressed is %d, want %d", e.Suppressed, floodSize-5)
		}
		l.stop()
	})
}

// TestSlotsOfOneClient: one station, whatever its Host-Uniq, has at most MaxPerClient slots at a
// time, and another one as soon as one is free.
func TestSlotsOfOneClient(t *testing.T) {
	for each, want := range map[int]int{0: 4, 2: 2} {
		synctest.Test(t, func(t *testing.T) {
			var seen recorder
			l := newLab(t, ethertest.Config{Watch: seen.watch})
			l.server.Pool.MaxPerClient = each
			l.startServer()
			station := requester{&seen, l.segment, wire.Addr{2, 9}}
			for i := range byte(6) {
				station.request(i)
			}
			l.checkSessions(6, 6-want, "of those of one station")
			latest := seen.all(wire.PADS)[5]
			l.segment.Send(forge(serverAddr, station.station, wire.PADT, latest.SessionID, nil))
			synctest.Wait()
			station.request(7)
			l.checkSessions(7, 7-want, "after the end of one")
			if each > 0 { // others get a slot
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
