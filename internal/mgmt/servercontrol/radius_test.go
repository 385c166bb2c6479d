package servercontrol

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"upppoe/internal/aaa/accounting"
	"upppoe/internal/aaa/coa"
	"upppoe/internal/aaa/radius"
)

// TestRADIUS: the numbers of RADIUS in JSON; those of a part that there is not are absent.
func TestRADIUS(t *testing.T) {
	servers := radius.Stats{Servers: []radius.ServerStats{{
		Addr: netip.MustParseAddrPort("192.0.2.5:1812"), Dead: true, Requests: 9, Retransmitted: 4, Answers: 7, Timeouts: 2,
		Drops: map[error]uint64{radius.ErrSource: 3, radius.ErrLength: 1},
	}}}
	s := Stats{
		RADIUS:     radiusServers(servers, "auth"),
		Accounting: accountingOf(accounting.Stats{Memory: 1, Spooled: 2, Sending: 3, Sent: 4, DroppedInterim: 5, DroppedStart: 6, DroppedStop: 7, SpoolErrors: 8}),
		CoA:        coaOf(coa.Stats{ACKs: 1, NAKs: 2, Drops: map[error]uint64{coa.ErrClient: 3}}),
	}
	text, err := json.Marshal(s)
	const want = `"radius":[{"server":"192.0.2.5:1812","use":"auth","up":false,"requests":9,"retransmissions":4,"answers":7,"timeouts":2,"dropped":4}],` +
		`"accounting":{"memory":1,"spool":2,"sent":3,"answered":4,"dropped":18,"spool_errors":8},` +
		`"coa":{"acknowledged":1,"refused":2,"dropped":{"RADIUS CoA: request from an address that is not a client's":3}}}`
	if err != nil || !strings.HasSuffix(string(text), want) {
		t.Errorf("%s, %v\nwant\n%s", text, err, want)
	}
	client, err := radius.NewClient(radius.ClientConfig{Servers: []radius.Server{{Addr: netip.MustParseAddrPort("192.0.2.5:1813"), Secret: []byte("x")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	rows, _ := ask(t, &Program{Server: sessions(), RADIUS: RADIUS{Acct: client}}, "stats")
	if len(rows) != 1 || !strings.Contains(rows[0], `"radius":[{"server":"192.0.2.5:1813","use":"acct","up":true,`) || strings.Contains(rows[0], `"coa"`) {
		t.Errorf("stats: %q", rows)
	}
}
