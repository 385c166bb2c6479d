package ppp

// transition is an entry of the state transition table: the actions and the next state.
type transition struct {
	do action
	to State
}

// none is an entry of an event that cannot happen in the state ("-" in the RFC): it is
// ignored.
var none = transition{to: stateCount}

// transitions is the state transition table of RFC 1661 section 4.1, with the same
// columns (states 0 to 9) and rows (events). A test compares it, entry by entry, with
// testdata/rfc1661-transitions.txt. The restart option (r) and the passive option (p) are
// not implemented, and crossed connections (x) need no action.
var transitions = [eventCount][stateCount]transition{
	//         0 Initial 1 Starting   2 Closed      3 Stopped             4 Closing 5 Stopping  6 Req-Sent      7 Ack-Rcvd      8 Ack-Sent      9 Opened
	up:        {{0, 2}, {irc | scr, 6}, none, none, none, none, none, none, none, none},
	down:      {none, none, {0, 0}, {tls, 1}, {0, 0}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {tld, 1}},
	open:      {{tls, 1}, {0, 1}, {irc | scr, 6}, {0, 3}, {0, 5}, {0, 5}, {0, 6}, {0, 7}, {0, 8}, {0, 9}},
	closing:   {{0, 0}, {tlf, 0}, {0, 2}, {0, 2}, {0, 4}, {0, 4}, {irc | str, 4}, {irc | str, 4}, {irc | str, 4}, {tld | irc | str, 4}},
	timeout:   {none, none, none, none, {str, 4}, {str, 5}, {scr, 6}, {scr, 6}, {scr, 8}, none},
	exhausted: {none, none, none, none, {tlf, 2}, {tlf, 3}, {tlf, 3}, {tlf, 3}, {tlf, 3}, none},
	rcrGood:   {none, none, {sta, 2}, {irc | scr | sca, 8}, {0, 4}, {0, 5}, {sca, 8}, {sca | tlu, 9}, {sca, 8}, {tld | scr | sca, 8}},
	rcrBad:    {none, none, {sta, 2}, {irc | scr | scn, 6}, {0, 4}, {0, 5}, {scn, 6}, {scn, 7}, {scn, 6}, {tld | scr | scn, 6}},
	rca:       {none, none, {sta, 2}, {sta, 3}, {0, 4}, {0, 5}, {irc, 7}, {scr, 6}, {irc | tlu, 9}, {tld | scr, 6}},
	rcn:       {none, none, {sta, 2}, {sta, 3}, {0, 4}, {0, 5}, {irc | scr, 6}, {scr, 6}, {irc | scr, 8}, {tld | scr, 6}},
	rtr:       {none, none, {sta, 2}, {sta, 3}, {sta, 4}, {sta, 5}, {sta, 6}, {sta, 6}, {sta, 6}, {tld | zrc | sta, 5}},
	rta:       {none, none, {0, 2}, {0, 3}, {tlf, 2}, {tlf, 3}, {0, 6}, {0, 6}, {0, 8}, {tld | scr, 6}},
	ruc:       {none, none, {scj, 2}, {scj, 3}, {scj, 4}, {scj, 5}, {scj, 6}, {scj, 7}, {scj, 8}, {scj, 9}},
	rxjGood:   {none, none, {0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 6}, {0, 6}, {0, 8}, {0, 9}},
	rxjBad:    {none, none, {tlf, 2}, {tlf, 3}, {tlf, 2}, {tlf, 3}, {tlf, 3}, {tlf, 3}, {tlf, 3}, {tld | irc | str, 5}},
	rxr:       {none, none, {0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 6}, {0, 7}, {0, 8}, {ser, 9}},
}
