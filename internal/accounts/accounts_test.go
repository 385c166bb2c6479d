package accounts

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/internal/pppd"
	"upppoe/ppp"
	"upppoe/ppp/pap"
	"upppoe/pppoe"
)

func TestJudge(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(time.Duration(len(text)) * time.Second)
		os.Chtimes(path, later, later)
	}
	pool := pppoe.Pool{First: netip.MustParseAddr("192.0.2.10")}
	a := New(dir, "ac", pool, slog.New(slog.NewTextHandler(io.Discard, nil)))
	judge := func(p ppp.Proof) pppoe.Decision {
		return a.Judge(context.Background(), pppoe.Line{SessionID: 3}, p)
	}
	login := func(name, password string) ppp.Proof {
		return pap.Proof{Name: name, Password: pap.Password(password)}
	}
	if judge(login("alice", "")).Granted || judge(login("alice", "one")).Granted {
		t.Error("without a file somebody comes in")
	}
	write("pap-secrets", "alice ac one *\nbob ac two 192.0.2.99\ncarol ac three\nevil other four *\n"+
		"frank ac five 198.51.100.0/24+\ngina ac six !198.51.100.0/24+ 198.51.100.0/30+\n")
	for _, c := range []struct {
		name, password string
		want           string // the address; empty: refused
	}{
		{"alice", "one", "192.0.2.12"}, {"alice", "two", ""}, {"alice", "", ""},
		{"bob", "two", "192.0.2.99"},
		{"carol", "three", ""}, // no address allowed
		{"evil", "four", ""},   // of another server
		{"nobody", "", ""},
		{"frank", "five", "198.51.100.3"}, // by the unit
		{"gina", "six", ""},               // the network is too small for it
	} {
		d := judge(login(c.name, c.password))
		if d.Granted != (c.want != "") || d.Granted && d.Address.String() != c.want {
			t.Errorf("%s: granted %v, address %v; want %q", c.name, d.Granted, d.Address, c.want)
		}
	}
	response := chap.MD5Proof{ID: 1, Challenge: []byte("c"), Name: "alice"}
	hash := chap.MD5Hash(1, []byte("one"), []byte("c"))
	response.Response = hash[:]
	if judge(response).Granted {
		t.Error("an account of pap-secrets is good for CHAP")
	}
	write("chap-secrets", "alice ac one *\n")
	if !judge(response).Granted {
		t.Error("an account of chap-secrets is not good for CHAP")
	}
	write("chap-secrets", "alice ac changed *\n")
	if judge(response).Granted {
		t.Error("a file that has changed is not read again")
	}
}

// TestBound: a server without a pool lets no account have an address that its column does not
// allow: it could be another session's.
func TestBound(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pap-secrets"), []byte("alice ac one *\nbob ac two 192.0.2.0/28\ncarol ac three\ndave ac four 198.51.100.0/24+\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, password string
		may, mayNot    string // addresses
	}{
		{"alice", "one", "203.0.113.1", "127.0.0.1"},
		{"bob", "two", "192.0.2.3", "192.0.2.16"},
		{"carol", "three", "", "192.0.2.3"},
		{"dave", "four", "198.51.100.3", "198.51.100.4"},
	} {
		for _, bound := range []bool{true, false} {
			a := New(dir, "ac", pppoe.Pool{}, slog.New(slog.DiscardHandler))
			a.Bound = bound
			d := a.Judge(context.Background(), pppoe.Line{SessionID: 3}, pap.Proof{Name: c.name, Password: pap.Password(c.password)})
			if !d.Granted || (d.Allowed != nil) != bound {
				t.Fatalf("%s: granted %v, bound %v, want %v", c.name, d.Granted, d.Allowed != nil, bound)
			}
			if bound && (c.may != "" && !d.Allowed(netip.MustParseAddr(c.may)) || d.Allowed(netip.MustParseAddr(c.mayNot))) {
				t.Errorf("%s: should be allowed %q, and not %s", c.name, c.may, c.mayNot)
			}
		}
	}
}

// TestUnit: a device's number, or else the session's, from 0 on.
func TestUnit(t *testing.T) {
	for device, want := range map[string]int{"": 6, "wan": 6, "ppp": 6, "pppoe0": 6, "ppp12": 12} {
		if got := unit(pppoe.Line{SessionID: 7, Device: device}); got != want {
			t.Errorf("%q: %d, want %d", device, got, want)
		}
	}
}

// TestTerms: an account's own options change what holds for all, in its session alone.
func TestTerms(t *testing.T) {
	dir := t.TempDir()
	text := "alice ac one * -- rate-down 5000 source-allow 198.51.100.0/29\nbob ac two *\ncarol ac three * -- rate-up fast\n" +
		"dave ac four * -- mtu 1400 nosource-check rate-up 0\nerin ac five * -- cret\n"
	if err := os.WriteFile(filepath.Join(dir, "pap-secrets"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	a := New(dir, "ac", pppoe.Pool{}, slog.New(slog.NewTextHandler(&log, nil)))
	a.All = pppd.New()
	all := pppoe.Terms{CheckSource: true, Up: pppoe.Rate{Bits: 1e6}, Down: pppoe.Rate{Bits: 2e6, Burst: time.Second}}
	a.All.Terms = all
	login := func(name, password string) pppoe.Decision {
		return a.Judge(context.Background(), pppoe.Line{SessionID: 1}, pap.Proof{Name: name, Password: pap.Password(password)})
	}
	if login("carol", "three").Granted || login("erin", "five").Granted {
		t.Error("an account comes in whose options are wrong")
	}
	alice, dave := all, pppoe.Terms{Down: all.Down}
	alice.Down.Bits, alice.Behind = 5e6, []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")}
	for _, c := range []struct {
		user, password string
		want           pppoe.Terms
	}{
		{"alice", "one", alice}, {"bob", "two", all}, {"dave", "four", dave}, {"bob", "two", all},
	} {
		if d := login(c.user, c.password); !d.Granted || d.Terms == nil || !reflect.DeepEqual(*d.Terms, c.want) {
			t.Errorf("%s: granted %v, terms %+v, want %+v", c.user, d.Granted, d.Terms, c.want)
		}
	}
	if d := login("alice", "two"); d.Terms != nil {
		t.Errorf("a wrong password has terms: %+v", d.Terms)
	}
	if said := log.String(); !strings.Contains(said, "pap-secrets:3: ") || !strings.Contains(said, "dave") || strings.Contains(said, "fast") || strings.Contains(said, "cret ") {
		t.Errorf("the log: %s", said)
	}
}
