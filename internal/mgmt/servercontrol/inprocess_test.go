package servercontrol

import (
	"testing"

	"upppoe/internal/aaa/radius"
)

// TestSessionByID: a session is found by its ID, unless it has ended.
func TestSessionByID(t *testing.T) {
	server := sessions()
	p := &Program{Server: server, NAS: &radius.NAS{}}
	if s, ok := p.Session(2); !ok || s.User != "bob" || s.AcctSessionID == "" {
		t.Errorf("session 2 is %v, %+v", ok, s)
	}
	server.gone = 2
	for _, id := range []uint64{2, 9} {
		if s, ok := p.Session(id); ok {
			t.Errorf("session %d is %+v", id, s)
		}
	}
}

// TestEachSession: reading ends when the reader wants no more, and a filter is checked.
func TestEachSession(t *testing.T) {
	p, n := &Program{Server: sessions()}, 0
	if err := p.EachSession(Query{}, func(*Session) bool { n++; return n < 2 }); err != nil || n != 2 {
		t.Errorf("%d sessions: %v", n, err)
	}
	if p.EachSession(Query{Filter: Filter{VLAN: "x"}}, func(*Session) bool { return true }) == nil {
		t.Error("a VLAN that is no number is accepted")
	}
}
