package web

import (
	"slices"
	"testing"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// one returns a session on an interface that has opened at a time, and has carried octets.
func one(id uint64, on string, opened time.Time, up, down uint64) pppoe.SessionStatus {
	return pppoe.SessionStatus{SessionInfo: pppoe.SessionInfo{Interface: on, Generation: id}, Opened: opened, Counters: datapath.Counters{ReceivedBytes: up, SentBytes: down}}
}

// TestTraffic: what sessions carry is counted once, of all and by interface, from the first reading to their end; rates are
// those between two readings.
func TestTraffic(t *testing.T) {
	var all traffic
	all.init([]string{"eth1", "eth2.50", "eth3.7"})
	start := time.Unix(1_000_000, 0)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	read := func(seconds int, sessions ...pppoe.SessionStatus) { all.read(slices.Values(sessions), at(seconds)) }
	end := func(s pppoe.SessionStatus, seconds int) {
		all.meter.ended(s.SessionInfo, pppoe.Ended{Counters: s.Counters, Uptime: at(seconds).Sub(s.Opened)}, at(seconds))
	}
	end(one(9, "eth1", at(-5), 1e6, 1e6), -1) // before the first reading
	read(0, one(1, "eth1.100.7", at(-100), 5000, 90000), one(2, "eth2.50", at(-1), 0, 0))
	read(10, one(1, "eth1.100.7", at(-100), 6000, 92000), one(2, "eth2.50", at(-1), 500, 0), one(3, "eth1", at(5), 30, 40))
	// Adopted; ended with the last octets; begun and ended between two readings; on an interface that is not shown.
	end(one(1, "eth1.100.7", at(-100), 6010, 92000), 12)
	end(one(5, "eth1.100.7", at(11), 100, 200), 14)
	read(20, one(4, "eth1", at(-500), 1e9, 1e9), one(2, "eth2.50", at(-1), 500, 1000), one(3, "eth1", at(5), 30, 40), one(6, "eth4", at(15), 1, 1))
	read(30) // sessions are gone, without notice
	if n := len(all.meter.sessions); n != 0 {
		t.Errorf("%d sessions are remembered", n)
	}
	bits := func(octets int64) int64 { return octets * 8 / 10 }
	for name, want := range map[string][][2]int64{
		"":        {{1000 + 500 + 30, 2000 + 40}, {10 + 100 + 1, 200 + 1000 + 1}, {0, 0}},
		"eth1":    {{1000 + 30, 2000 + 40}, {10 + 100, 200}, {0, 0}},
		"eth2.50": {{500, 0}, {0, 1000}, {0, 0}},
		"eth3.7":  {{0, 0}, {0, 0}, {0, 0}},
		"eth4":    nil,
	} {
		points := all.span(name, false).Points
		if len(points) != len(want) {
			t.Errorf("%q has the points %v", name, points)
			continue
		}
		for i, w := range want {
			if p := points[i]; !slices.Equal(p, []int64{at(10*i + 10).Unix(), bits(w[0]), bits(w[1])}) {
				t.Errorf("%q: point %d is %v, want %v octets", name, i, p, w)
			}
		}
	}
	if now := all.now("eth1"); now == nil || *now != (Rates{}) || all.now("eth4") != nil {
		t.Errorf("the rate is %v", now)
	}
}

// TestTrafficOfDay: a point stands for five minutes, and the oldest are dropped.
func TestTrafficOfDay(t *testing.T) {
	var h trafficHistory
	h.hour.max, h.day.max = hourSamples, daySamples
	for i := range 40 * dayFactor {
		h.add(trafficSample{time.Unix(int64(10*i), 0), octets{uint64(1000 * i), 0}})
	}
	all := traffic{of: map[string]*trafficHistory{"": &h}}
	hour, day := all.span("", false).Points, all.span("", true).Points
	if len(hour) != hourSamples-1 || len(day) != 39 || hour[0][1] != 800 || day[38][1] != 800 || day[38][0] != 39*300 {
		t.Errorf("%d and %d points, %v and %v", len(hour), len(day), hour[0], day[len(day)-1])
	}
}

// TestManySessions: reading the sessions of a large server again and again takes at most a twentieth of the time.
func TestManySessions(t *testing.T) {
	var all traffic
	all.init(nil)
	reads := 0
	slow := func(yield func(pppoe.SessionStatus) bool) { reads++; time.Sleep(5 * time.Millisecond) }
	now := time.Now()
	for i := range 100 {
		all.read(slow, now.Add(time.Duration(i)*10*time.Millisecond))
	}
	if reads > 11 {
		t.Errorf("%d reads of 5 ms in a second", reads)
	}
}
