package pppoe_test

import (
	"encoding/hex"
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

var update = flag.Bool("update", false, "write the golden records anew")

// fill sets all fields of a value, to values that differ.
func fill(t testing.TB, v reflect.Value, n *uint64) {
	t.Helper()
	*n++
	switch v.Interface().(type) {
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.AddrFrom4([4]byte{192, 0, 2, byte(*n)})))
		return
	case netip.Prefix:
		v.Set(reflect.ValueOf(netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, byte(*n), 0}), 24)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), n)
		fill(t, v.Index(1), n)
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i), n)
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(-int64(*n))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(*n)
	case reflect.String:
		v.SetString("text" + string(rune('a'+*n%26)))
	default:
		t.Fatalf("%v is not known", v.Type())
	}
}

// fullRecord returns a record in which everything is set.
func fullRecord(t testing.TB) pppoe.SessionRecord {
	r := pppoe.SessionRecord{
		SessionInfo: pppoe.SessionInfo{
			Interface: "eth0", SessionID: 7, Local: serverAddr, Peer: clientAddr, Generation: 300, Unit: 6,
			ACName: "ac", Service: "internet", User: "alice@example.net", Device: "ppp6",
			AccessLine: &wire.AccessLine{CircuitID: "olt1 1/2", RemoteID: "line 3", RelaySessionID: "\x01\x02"},
		},
		Listener: "eth0", Open: true, RequestKey: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, PPP: []byte("of package session"),
		Addressing: pppoe.Addressing{
			MTU:  1492,
			IPv4: ipcp.Agreement{Local: netip.MustParseAddr("192.0.2.1"), Remote: netip.MustParseAddr("192.0.2.10")},
			IPv6: ipv6cp.Agreement{Local: ipv6cp.ID{1}, Remote: ipv6cp.ID{2}},
		},
		Assigned: []netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("192.0.2.11")}, Leased: true,
		Prefixes:  []netip.Prefix{netip.MustParsePrefix("2001:db8:1::/64"), netip.MustParsePrefix("2001:db8:2::/56")},
		OwnPolicy: true, Opened: time.UnixMilli(1_780_000_000_123), LimitsSince: time.UnixMilli(1_780_000_001_456),
		Baseline: datapath.Counters{SentPackets: 1, SentBytes: 1 << 40, ReceivedPackets: 2, ReceivedBytes: 3, Dropped: 9, Spoofed: 4, Exceeded: 3, Isolated: 2},
		Policy:   new(pppoe.SessionPolicy),
	}
	r.AccessLine.SetAttribute(wire.ActualRateDown, 100_000)
	r.AccessLine.SetAttribute(wire.IWFSession, 0)
	n := uint64(0)
	fill(t, reflect.ValueOf(r.Policy).Elem(), &n)
	r.VRF = r.Policy.VRF
	return r
}

// goldenRecords are records of which the octets are in testdata, in hexadecimal, and stay what they are: an earlier
// program has written them.
func goldenRecords(t testing.TB) map[string][]byte {
	whole, key := fullRecord(t), fullRecord(t)
	whole.Policy = &pppoe.SessionPolicy{
		CheckSource: true, AllowSources: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")},
		Up: datapath.Rate{Bits: 1e6}, Down: datapath.Rate{Bits: 5e6, Burst: time.Second}, MSS: -1,
		Limits: &pppoe.SessionLimits{IdleTimeout: time.Minute}, Class: [][]byte{{1}, {}}, FilterID: "f",
	}
	key.Open = false
	plain := pppoe.SessionRecord{SessionInfo: pppoe.SessionInfo{Interface: "eth0", SessionID: 1, Peer: clientAddr, Local: serverAddr, Generation: 1}, Listener: "eth0", Open: true, PPP: []byte{}}
	return map[string][]byte{"whole": whole.AppendTo(nil), "key": key.AppendTo(nil), "plain": plain.AppendTo(nil)}
}

// TestGoldenRecords: records are encoded as they always were.
func TestGoldenRecords(t *testing.T) {
	for name, b := range goldenRecords(t) {
		file := filepath.Join("testdata", "sessionrecord", "2-"+name+".hex")
		got := hex.EncodeToString(b) + "\n"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is encoded as\n%s, was\n%s", name, got, want)
		}
	}
}

// TestSessionRecord: a record is parsed to what it was made of, with all fields of a policy.
func TestSessionRecord(t *testing.T) {
	whole := fullRecord(t)
	got, err := pppoe.ParseSessionRecord(whole.AppendTo(nil))
	if err != nil || !reflect.DeepEqual(got, whole) {
		t.Errorf("%v: parsed\n%+v\nwant\n%+v", err, got, whole)
	}
	if !reflect.DeepEqual(got.Policy, whole.Policy) {
		t.Errorf("policy\n%+v\nwant\n%+v", got.Policy, whole.Policy)
	}
	whole.Policy = &pppoe.SessionPolicy{Limits: &pppoe.SessionLimits{}}
	if got, err = pppoe.ParseSessionRecord(whole.AppendTo(nil)); err != nil || got.Policy.Limits == nil {
		t.Errorf("limits of zero are none: %v", err)
	}
	whole.Open = false
	got, err = pppoe.ParseSessionRecord(whole.AppendTo(nil))
	if want := (pppoe.SessionInfo{Interface: "eth0", SessionID: 7, Local: serverAddr, Peer: clientAddr, Generation: 300}); err != nil || got.SessionInfo != want || got.Open || got.PPP != nil {
		t.Errorf("of a session that is not open: %v, %+v", err, got)
	}
}

// TestRecordPrefixes: no proper prefix of a record is valid, but all that have it say whose record it is.
func TestRecordPrefixes(t *testing.T) {
	for name, b := range goldenRecords(t) {
		for n := range len(b) {
			if _, err := pppoe.ParseSessionRecord(b[:n]); !errors.Is(err, pppoe.ErrRecord) {
				t.Errorf("%d octets of %s: %v", n, name, err)
			}
		}
	}
	counters := pppoe.CounterRecord{Counters: datapath.Counters{SentBytes: 1000}, At: time.UnixMilli(1), Active: time.UnixMilli(2)}
	b := counters.AppendTo(nil)
	if got, err := pppoe.ParseCounterRecord(b); err != nil || got != counters {
		t.Errorf("%+v, %v", got, err)
	}
	for n := range len(b) {
		if _, err := pppoe.ParseCounterRecord(b[:n]); !errors.Is(err, pppoe.ErrRecord) {
			t.Errorf("%d octets of counters: %v", n, err)
		}
	}
}

// TestNewerRecord: a newer version is not parsed, but a PADT can be sent; fields that a newer program of the
// same version has added are skipped.
func TestNewerRecord(t *testing.T) {
	whole := fullRecord(t)
	b := whole.AppendTo(nil)
	b[0]++
	r, err := pppoe.ParseSessionRecord(b)
	if !errors.Is(err, pppoe.ErrRecordVersion) || !r.HasKey() || r.Key() != whole.Key() || r.Open {
		t.Errorf("newer version: %v, %+v", err, r)
	}
	key := fullRecord(t)
	key.Open = false
	b = key.AppendTo(nil)
	b[1] += 3
	if r, err = pppoe.ParseSessionRecord(append(b, 250, 1, 9)); err != nil || r.Key() != key.Key() {
		t.Errorf("another field: %v, %+v", err, r)
	}
	newer := pppoe.CounterRecord{}.AppendTo(nil)
	newer[0]++
	if _, err := pppoe.ParseCounterRecord(newer); !errors.Is(err, pppoe.ErrRecordVersion) {
		t.Errorf("newer counters: %v", err)
	}
}

// TestOlderRecord: records of version 1 are refused with a clear message, and a PADT can be sent.
func TestOlderRecord(t *testing.T) {
	for _, name := range []string{"whole", "key", "plain"} {
		b, err := os.ReadFile(filepath.Join("testdata", "sessionrecord", name))
		if err != nil {
			t.Fatal(err)
		}
		r, err := pppoe.ParseSessionRecord(b)
		if !errors.Is(err, pppoe.ErrRecordVersion) || !r.HasKey() || r.Interface != "eth0" || r.Peer != clientAddr || r.Local != serverAddr || r.Open {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
		if want := "version 1, known is 2"; err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %q does not have %q", name, err, want)
		}
	}
}

// FuzzParseSessionRecord: what is parsed is encoded so that it is parsed again; nothing panics.
func FuzzParseSessionRecord(f *testing.F) {
	for _, b := range goldenRecords(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := pppoe.ParseSessionRecord(b)
		if err != nil {
			return
		}
		again, err := pppoe.ParseSessionRecord(r.AppendTo(nil))
		if err != nil || string(again.AppendTo(nil)) != string(r.AppendTo(nil)) {
			t.Errorf("parsed %+v, then %+v, %v", r, again, err)
		}
	})
}

// FuzzParseCounterRecord: as of session records.
func FuzzParseCounterRecord(f *testing.F) {
	f.Add(pppoe.CounterRecord{Counters: datapath.Counters{SentBytes: 1000}, At: time.UnixMilli(1), Active: time.UnixMilli(2)}.AppendTo(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := pppoe.ParseCounterRecord(b)
		if err != nil {
			return
		}
		if again, err := pppoe.ParseCounterRecord(r.AppendTo(nil)); err != nil || string(again.AppendTo(nil)) != string(r.AppendTo(nil)) {
			t.Errorf("parsed %+v, then %+v, %v", r, again, err)
		}
	})
}
