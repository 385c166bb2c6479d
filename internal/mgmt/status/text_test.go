package status

import (
	"strings"
	"testing"
	"time"
)

// TestTextOfServices: each list is on a line of its own.
func TestTextOfServices(t *testing.T) {
	var b strings.Builder
	Status{PID: 42, Attachment: "eth0", State: Online, Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), IPv6: &IPv6{
		Local: "fe80::1", Remote: "fe80::2", Addresses: []string{"2001:db8::1/64", "2001:db8::2/64"}, Delegated: []string{"2001:db8:1::/56"}, DNS: []string{"2001:db8::53"},
		Services: Services{AFTR: "aftr.example", NTP: []string{"n"}, SNTP: []string{"s"}, MAPE: []string{"e"}, MAPT: []string{"t"}, LW4o6: []string{"l"}, FourRD: "4d"},
	}}.WriteTo(&b)
	const want = `eth0: online since 2026-01-02 03:04:05 (process 42)
  interface eth0
  IPv6      fe80::1, peer fe80::2
  addresses 2001:db8::1/64, 2001:db8::2/64
  delegated 2001:db8:1::/56
  DNS       2001:db8::53
  AFTR      aftr.example
  NTP       n
  SNTP      s
  MAP-E     e
  MAP-T     t
  LW4o6     l
  4rd       4d
`
	if b.String() != want {
		t.Errorf("%s\nwant:\n%s", &b, want)
	}
}

// TestText: the status as text.
func TestText(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		is   Status
		want string
	}{
		{Status{PID: 42, Attachment: "eth0.50", State: Dialling, Since: at}, "eth0.50: dialling since 2026-01-02 03:04:05 (process 42)\n  interface eth0.50\n"},
		{Status{
			PID: 42, Call: "isp", Attachment: "eth0", State: Online, Since: at, Carrier: "up", Device: "ppp0", SessionID: 7, AC: ac.String(), ACName: "ac1", MTU: 1492, DataPath: "kernel: receive in TC",
			IPv4: &IPv4{Local: "192.0.2.10", Remote: "192.0.2.1", DNS: []string{"192.0.2.53", "192.0.2.54"}}, IPv6: &IPv6{Local: "fe80::1", Remote: "fe80::2"},
			Traffic: TrafficOf(counters),
		}, `isp: online since 2026-01-02 03:04:05 (process 42)
  interface eth0 (up)
  session   7 at 02:00:5e:00:53:01 (ac1)
  device    ppp0, MTU 1492
  packets   kernel: receive in TC
  IPv4      192.0.2.10, peer 192.0.2.1
  DNS       192.0.2.53, 192.0.2.54
  IPv6      fe80::1, peer fe80::2
  traffic   sent 1 packets, 2 octets; received 3, 4
`},
		{Status{PID: 42, Call: "isp", Attachment: "eth0", State: Waiting, WaitingFor: "hold-off", Since: at, Device: "ppp0", LastEnd: &End{Reason: "hangup", Text: "PADT"}},
			"isp: waiting for hold-off since 2026-01-02 03:04:05 (process 42)\n  interface eth0\n  device    ppp0\n  last end  hangup: PADT\n"},
	} {
		var b strings.Builder
		if n, err := c.is.WriteTo(&b); b.String() != c.want || int(n) != b.Len() || err != nil {
			t.Errorf("%d octets, %v:\n%s\nwant:\n%s", n, err, b.String(), c.want)
		}
	}
}
