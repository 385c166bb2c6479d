package ppp

// cell is an entry of the state transition table: what to do, and the next
// state.
type cell struct {
	do action
	to State
}

// no is an entry that cannot happen ("-" in the RFC): ignored, as an
// implementation error at most.
var no = cell{to: stateCount}

// grid is the state transition table of RFC 1661 section 4.1, with its columns
// (states 0 to 9) and rows (events) in the same places. A test compares it,
// cell by cell, with testdata/rfc1661-grid.txt. The restart option (r), the
// passive option (p) and the mark of crossed connections (x) change nothing here.
var grid = [eventCount][stateCount]cell{
	//         0 Initial 1 Starting   2 Closed      3 Stopped             4 Closing 5 Stopping  6 Req-Sent      7 Ack-Rcvd      8 Ack-Sent      9 Opened
	up:        {{0, 2}, {irc | scr, 6}, no, no, no, no, no, no, no, no},
	down:      {no, no, {0, 0}, {tls, 1}, {0, 0}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {tld, 1}},
	open:      {{tls, 1}, {0, 1}, {irc | scr, 6}, {0, 3}, {0, 5}, {0, 5}, {0, 6}, {0, 7}, {0, 8}, {0, 9}},
	closing:   {{0, 0}, {tlf, 0}, {0, 2}, {0, 2}, {0, 4}, {0, 4}, {irc | str, 4}, {irc | str, 4}, {irc | str, 4}, {tld | irc | str, 4}},
	timeout:   {no, no, no, no, {str, 4}, {str, 5}, {scr, 6}, {scr, 6}, {scr, 8}, no},
	exhausted: {no, no, no, no, {tlf, 2}, {tlf, 3}, {tlf, 3}, {tlf, 3}, {tlf, 3}, no},
	rcrGood:   {no, no, {sta, 2}, {irc | scr | sca, 8}, {0, 4}, {0, 5}, {sca, 8}, {sca | tlu, 9}, {sca, 8}, {tld | scr | sca, 8}},
	rcrBad:    {no, no, {sta, 2}, {irc | scr | scn, 6}, {0, 4}, {0, 5}, {scn, 6}, {scn, 7}, {scn, 6}, {tld | scr | scn, 6}},
	rca:       {no, no, {sta, 2}, {sta, 3}, {0, 4}, {0, 5}, {irc, 7}, {scr, 6}, {irc | tlu, 9}, {tld | scr, 6}},
	rcn:       {no, no, {sta, 2}, {sta, 3}, {0, 4}, {0, 5}, {irc | scr, 6}, {scr, 6}, {irc | scr, 8}, {tld | scr, 6}},
	rtr:       {no, no, {sta, 2}, {sta, 3}, {sta, 4}, {sta, 5}, {sta, 6}, {sta, 6}, {sta, 6}, {tld | zrc | sta, 5}},
	rta:       {no, no, {0, 2}, {0, 3}, {tlf, 2}, {tlf, 3}, {0, 6}, {0, 6}, {0, 8}, {tld | scr, 6}},
	ruc:       {no, no, {scj, 2}, {scj, 3}, {scj, 4}, {scj, 5}, {scj, 6}, {scj, 7}, {scj, 8}, {scj, 9}},
	rxjGood:   {no, no, {0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 6}, {0, 6}, {0, 8}, {0, 9}},
	rxjBad:    {no, no, {tlf, 2}, {tlf, 3}, {tlf, 2}, {tlf, 3}, {tlf, 3}, {tlf, 3}, {tlf, 3}, {tld | irc | str, 5}},
	rxr:       {no, no, {0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 6}, {0, 7}, {0, 8}, {ser, 9}},
}
