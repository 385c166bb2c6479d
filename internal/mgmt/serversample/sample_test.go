package serversample

import (
	"testing"
	"time"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/status"
)

// row is a session that has sent a number of octets; short: only its traffic.
func row(sent uint64, short bool) *servercontrol.Session {
	s := &servercontrol.Session{ID: 1, State: "online", Traffic: &servercontrol.Traffic{Traffic: status.Traffic{SentBytes: sent}}}
	if !short {
		s.MAC, s.User = "02:00:5e:00:53:01", "alice"
	}
	return s
}

// TestMerge: rates are those since the earlier sample, whether everything of a session was read again or
// only its traffic, which needs the rest from before.
func TestMerge(t *testing.T) {
	merge := func(one *servercontrol.Session, before map[uint64]*servercontrol.Session) map[uint64]*servercontrol.Session {
		return Merge(&Sample{Sessions: []*servercontrol.Session{one}}, before, time.Second)
	}
	all := merge(row(1000, false), nil)
	if s := all[1]; s.BitsDown != nil {
		t.Errorf("a rate of one sample: %d", *s.BitsDown)
	}
	for i, short := range []bool{true, false, false, true} {
		all = merge(row(uint64(2000+1000*i), short), all)
		if s := all[1]; s.User != "alice" || s.BitsDown == nil || *s.BitsDown != 8000 || s.Traffic.SentBytes != uint64(2000+1000*i) {
			t.Fatalf("sample %d: %+v, traffic %+v", i, s, s.Traffic)
		}
	}
	if all := merge(row(1, true), nil); len(all) != 0 {
		t.Errorf("a session of which only the traffic is known: %+v", all)
	}
}
