package load

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestWorst: the sessions that have lost the largest share are named, and all are written, one per line.
func TestWorst(t *testing.T) {
	c, err := parse(strings.Fields("-I eth0 -n 100 --vlan 7-9"))
	if err != nil {
		t.Fatal(err)
	}
	g := &Generator{cfg: c, clients: make([]client, c.Addresses()), KeepSessions: true}
	for i := range g.clients {
		g.clients[i].traffic.sent = 10
		for range 10 - i%4 {
			g.clients[i].traffic.answered(time.Duration(i+1) * time.Millisecond)
		}
	}
	g.clients[42].traffic.received, g.clients[42].local = 0, netip.MustParseAddr("10.0.0.42")
	worst := g.worst()
	if len(worst) != worstCount || worst[0].Client != 42 || worst[0].LossPercent != 100 || worst[0].VLAN != "7" || worst[1].Client != 3 || worst[1].LossPercent != 30 {
		t.Errorf("%+v", worst)
	}
	g.keepSessions()
	var text bytes.Buffer
	if err := g.result.WriteSessions(&text); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text.String(), "\n")
	if len(lines) != 101 || !strings.Contains(lines[42], `"User":"user42","MAC":"02:4c:00:00:00:2a","VLAN":"7","IPv4":"10.0.0.42"`) || !strings.Contains(lines[43], `"Sent":10,"Received":7,"LossPercent":30,"RTT":44,"MaxRTT":44`) {
		t.Errorf("%d lines: %s", len(lines), lines[42:44])
	}
}

// TestProgress: a line has what there is to say.
func TestProgress(t *testing.T) {
	p := Progress{Stage: Dialling, Elapsed: 1400 * time.Millisecond, Sessions: 10, SetUp: 4, Open: 3}
	if got := p.String(); got != "   1s dialling: 4 of 10 set up, 3 open" {
		t.Errorf("%q", got)
	}
	p.Stage, p.Failed, p.Lost, p.Prefixes, p.Sent, p.Received = Holding, 1, 2, 3, 100, 99
	if got := p.String(); got != "   1s holding: 4 of 10 set up, 3 open, 3 with a prefix, 1 dials failed, 2 lost; packets: 100 sent, 99 received" {
		t.Errorf("%q", got)
	}
}
