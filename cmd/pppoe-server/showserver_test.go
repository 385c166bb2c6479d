package main

import (
	"strings"
	"testing"

	"upppoe/internal/mgmt/servercontrol"
)

// TestStatsOfRADIUS: stats has lines of RADIUS if there are numbers of it.
func TestStatsOfRADIUS(t *testing.T) {
	var without, with strings.Builder
	writeStats(&without, &servercontrol.Stats{})
	s := servercontrol.Stats{
		RADIUS: []servercontrol.RADIUSServer{
			{Server: "192.0.2.5:1812", Use: "auth", Up: true, Requests: 9, Answers: 8, Timeouts: 1, Retransmissions: 4, Dropped: 2},
			{Server: "192.0.2.6:1813", Use: "acct"},
		},
		Accounting: &servercontrol.Accounting{Memory: 1, Spool: 2, Sent: 3, Answered: 4, Dropped: 5, SpoolErrors: 6},
		CoA:        &servercontrol.CoA{Acknowledged: 7, Refused: 8, Dropped: map[string]uint64{"why": 9}},
	}
	writeStats(&with, &s)
	const want = "" +
		"RADIUS auth     192.0.2.5:1812 is up: 9 requests, 8 answers, 1 time-outs, 4 retransmissions, 2 answers dropped\n" +
		"RADIUS acct     192.0.2.6:1813 is dead: 0 requests, 0 answers, 0 time-outs, 0 retransmissions, 0 answers dropped\n" +
		"accounting      1 records wait in memory, 2 in the spool, 3 for an answer; 4 answered, 5 dropped, 6 errors of the spool\n" +
		"CoA             7 acknowledged, 8 refused\n" +
		"CoA dropped     9: why\n"
	if got := strings.TrimPrefix(with.String(), without.String()); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
