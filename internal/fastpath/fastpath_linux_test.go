package fastpath

import (
	"testing"
	"time"

	"upppoe/pppoe/vlan"
)

func TestPing(t *testing.T) {
	s := lay(t)
	here, there := s.session(1, vlan.Stack{}, 1492)
	if _, err := here.ns.Ping(there.ipv4, 1, time.Second); err != nil {
		t.Error(err)
	}
	if _, err := here.ns.Ping(there.ipv6, 1, time.Second); err != nil {
		t.Error(err)
	}
	t.Logf("%+v %+v", here.line.Counters(1), there.line.Counters(1))
	t.Log(here.relay.sent.Load(), here.relay.received.Load())
}
