package accounting_test

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"upppoe/internal/aaa/accounting"
	"upppoe/internal/aaa/radius"
	"upppoe/ipcp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
	"upppoe/test/freeradius"
)

type server struct{}

func (server) Session(pppoe.SessionKey) (pppoe.SessionStatus, error) {
	return pppoe.SessionStatus{}, pppoe.ErrNoSession
}

func (server) RecordCounters(pppoe.SessionKey) error { return pppoe.ErrNoSession }

// TestAgainstFreeRADIUS: FreeRADIUS records what it is sent, also what it was sent while it was away.
func TestAgainstFreeRADIUS(t *testing.T) {
	f := freeradius.Start(t, freeradius.Options{})
	client, err := radius.NewClient(radius.ClientConfig{
		Servers: []radius.Server{{Addr: f.Acct, Secret: []byte(freeradius.Secret)}}, Timeout: 100 * time.Millisecond, Transmissions: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	a, err := accounting.New(accounting.Config{
		Client: client, NAS: &radius.NAS{Identifier: "bng1", IPv4: netip.MustParseAddr("127.0.0.1"), Started: time.Now()},
		Spool: filepath.Join(t.TempDir(), "spool"), Retry: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	a.Start(server{}, false)
	line := &wire.AccessLine{CircuitID: "olt 1/2/3", RemoteID: "customer 7"}
	line.SetAttribute(wire.ActualRateDown, 50_000)
	s := pppoe.SessionInfo{Interface: "eth1.100", Generation: 1, User: "alice", Peer: wire.Addr{2, 0, 0, 0, 0, 7}, ACName: "ac", AccessLine: line}
	policy := &pppoe.SessionPolicy{Class: [][]byte{{1, 2}}}
	a.Notify(s, pppoe.Configured{Addressing: pppoe.Addressing{IPv4: ipcp.Agreement{Local: netip.MustParseAddr("192.0.2.1"), Remote: netip.MustParseAddr("192.0.2.7")}}, Policy: policy})
	for deadline := time.Now().Add(time.Minute); a.Stats().Sent < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v, %+v", a.Stats(), client.Stats())
		}
	}
	f.Stop()
	a.Notify(s, pppoe.Ended{Reason: session.Reason{Cause: session.CausePeerTerminated}, Counters: datapath.Counters{SentBytes: 1 << 33, ReceivedBytes: 5}})
	for deadline := time.Now().Add(time.Minute); !a.Stats().Away; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", a.Stats())
		}
	}
	f.Run(t)
	if err := a.Close(time.Minute); err != nil {
		t.Fatal(err)
	}
	got := f.Accounting(t)
	if len(got) != 4 {
		t.Fatalf("%d records, want 4: %v", len(got), got)
	}
	for i, want := range []map[string]string{
		{"Acct-Status-Type": "Accounting-On", "NAS-Identifier": "bng1"},
		{
			"Acct-Status-Type": "Start", "User-Name": "alice", "Framed-IP-Address": "192.0.2.7", "NAS-Port-Id": "eth1.100", "Class": "0x0102",
			"Calling-Station-Id": "02-00-00-00-00-07", "Called-Station-Id": "ac", "NAS-Port-Type": "Ethernet",
			"ADSL-Agent-Circuit-Id": "0x6f6c7420312f322f33", "ADSL-Agent-Remote-Id": "0x637573746f6d65722037", "Actual-Data-Rate-Downstream": "50000000",
		},
		{"Acct-Status-Type": "Stop", "Acct-Output-Gigawords": "2", "Acct-Output-Octets": "0", "Acct-Input-Octets": "5", "Acct-Terminate-Cause": "User-Request"},
		{"Acct-Status-Type": "Accounting-Off"},
	} {
		for name, value := range want {
			if got[i][name] != value {
				t.Errorf("record %d: %s is %q, want %q", i, name, got[i][name], value)
			}
		}
	}
}
