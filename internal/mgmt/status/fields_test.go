package status

import (
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
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

// TestFieldsOfSession: the status of a session from its PADS to its end.
func TestFieldsOfSession(t *testing.T) {
	tr := tracker()
	for dials := 1; dials <= 2; dials++ {
		tr.Notify(attachment, pppoe.SessionEstablished{})
		tr.Notify(attachment, pppoe.DeviceOpened{Name: "ppp0"})
		tr.Notify(attachment, pppoe.Offloaded{Description: "receive in TC"})
		tr.Notify(attachment, pppoe.Configured{Addressing: addr})
		s := tr.Status()
		if s.Dials != dials || s.SessionID != 7 || s.AC != "02:00:5e:00:53:01" || s.ACName != `ac\0121` || s.Service != `in\033ternet` || s.Device != "ppp0" || s.MTU != 1492 || s.DataPath != "kernel: receive in TC" {
			t.Errorf("while it is open: %+v", s)
		}
		if s.IPv4 == nil || s.IPv4.Local != "192.0.2.10" || s.IPv4.Remote != "192.0.2.1" || !slices.Equal(s.IPv4.DNS, []string{"192.0.2.53"}) {
			t.Errorf("its IPv4: %+v", s.IPv4)
		}
		tr.Notify(attachment, pppoe.Ended{Reason: session.Reason{Cause: session.PeerDead, Text: "si\x00lent"}})
		s = tr.Status()
		if s.SessionID != 0 || s.Device != "" || s.MTU != 0 || s.IPv4 != nil || s.IPv6 != nil || s.OnlineAt != nil || s.DataPath != "" {
			t.Errorf("after its end: %+v", s)
		}
		if s.LastEnd == nil || *s.LastEnd != (End{Reason: "peer-dead", Text: `si\000lent`, ExitCode: 19}) {
			t.Errorf("its end: %+v", s.LastEnd)
		}
		if s.AC != "02:00:5e:00:53:01" || s.ACName != `ac\0121` {
			t.Errorf("the concentrator is %q, %q", s.AC, s.ACName)
		}
	}
	tr.Notify(attachment, pppoe.NotOffloaded{Err: datapath.ErrRateLimited})
	if s := tr.Status(); s.DataPath != "user space: "+datapath.ErrRateLimited.Error() {
		t.Errorf("the data path is %q", s.DataPath)
	}
}

// TestIPv6Kept: what was configured stays while the link-local address is the same.
func TestIPv6Kept(t *testing.T) {
	for _, c := range []struct {
		local ipv6cp.ID
		want  int // addresses
	}{{addr.IPv6.Local, 1}, {ipv6cp.ID{7: 9}, 0}} {
		tr := tracker()
		tr.Notify(attachment, pppoe.Configured{Addressing: addr})
		tr.IPv6(attachment, []string{"2001:db8::1/64"}, nil, nil, Services{})
		again := addr
		again.IPv6.Local = c.local
		e := tr.Notify(attachment, pppoe.Configured{Addressing: again})
		if got := tr.Status().IPv6; len(got.Addresses) != c.want || got.Local != c.local.LinkLocal().String() || e.IPv6 != got {
			t.Errorf("as %v: %+v, want %d addresses", c.local, got, c.want)
		}
	}
}

// TestMissed: the event that stands for dropped ones.
func TestMissed(t *testing.T) {
	if e := Missed(7); e.Event != "missed" || e.Missed != 7 || e.Time.IsZero() {
		t.Errorf("%+v", e)
	}
	if tracker().EndOf(nil) != nil {
		t.Error("no error is an end")
	}
}
