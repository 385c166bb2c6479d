package aaa

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/internal/config/pppd"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/pap"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

func TestAuthenticate(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(time.Duration(len(text)) * time.Second)
		os.Chtimes(path, later, later)
	}
	a := checkingAlways(NewFileAuthenticator(dir, "ac", true, slog.New(slog.NewTextHandler(io.Discard, nil))))
	judge := func(p ppp.AuthResponse) pppoe.AuthResult {
		return a.Authenticate(context.Background(), pppoe.SessionInfo{Unit: 2}, p)
	}
	login := func(name, password string) ppp.AuthResponse {
		return pap.Credential{Name: name, Password: pap.Password(password)}
	}
	for _, password := range []string{"", "one"} {
		if d := judge(login("alice", password)); d.Accepted || d.Reason != "no file "+dir+"/pap-secrets" {
			t.Errorf("without a file: granted %v, %q", d.Accepted, d.Reason)
		}
	}
	write("pap-secrets", "alice ac one *\nbob ac two 192.0.2.99\ncarol ac three\nevil other four *\n"+
		"frank ac five 198.51.100.0/24+\ngina ac six !198.51.100.0/24+ 198.51.100.0/30+\n"+
		"heidi ac seven !192.0.2.98 192.0.2.98 192.0.2.97 192.0.2.96\nivan ac \"eight *\njudy ac @"+dir+"/none *\n")
	for _, c := range []struct {
		name, password string
		granted        bool
		own            string // addresses; empty: the pool's
		reason         string
	}{
		{"alice", "one", true, "", ""},
		{"alice", "two", false, "", "wrong password"}, {"alice", "", false, "", "wrong password"},
		{"bob", "two", true, "192.0.2.99", ""},
		{"carol", "three", false, "", "not allowed: its address column allows no address"},
		{"evil", "four", false, "", "unknown user"}, // of another server
		{"nobody", "", false, "", "unknown user"}, {"", "", false, "", "unknown user"},
		{"frank", "five", true, "198.51.100.3", ""},                   // by the unit
		{"gina", "six", false, "", "not allowed: its address column"}, // the network is too small for it
		{"heidi", "seven", true, "192.0.2.97 192.0.2.96", ""},
		{"ivan", "eight", false, "", dir + "/pap-secrets:8: the line of this account is malformed"},
		{"judy", "", false, "", dir + "/pap-secrets:9: secret file: no such file"},
	} {
		d := judge(login(c.name, c.password))
		var own []string
		for _, a := range d.Alternates {
			own = append(own, a.String())
		}
		if d.Accepted != c.granted || strings.Join(own, " ") != c.own || !strings.HasPrefix(d.Reason, c.reason) || c.reason == "" && d.Reason != "" {
			t.Errorf("%s: granted %v, own addresses %q, reason %q; want %v, %q, %q", c.name, d.Accepted, own, d.Reason, c.granted, c.own, c.reason)
		}
		if len(own) > 0 && d.Address != d.Alternates[0] || len(own) == 0 && d.Address.IsValid() {
			t.Errorf("%s: address %v of %q", c.name, d.Address, own)
		}
		if !d.Accepted && !reflect.DeepEqual(d, pppoe.AuthResult{AuthResult: ppp.AuthResult{Reason: d.Reason}}) {
			t.Errorf("%s: the answer has more than a rejection: %+v", c.name, d)
		}
	}
	response := chap.MD5Response{ID: 1, Challenge: []byte("c"), Name: "alice"}
	hash := chap.MD5Hash(1, []byte("one"), []byte("c"))
	response.Response = hash[:]
	if judge(response).Accepted {
		t.Error("an account of pap-secrets is accepted for CHAP")
	}
	write("chap-secrets", "alice ac one *\n")
	if !judge(response).Accepted {
		t.Error("an account of chap-secrets is rejected for CHAP")
	}
	write("chap-secrets", "alice ac changed *\n")
	if judge(response).Accepted {
		t.Error("a file that has changed is not read again")
	}
}

// TestEnforceAddresses: without a pool no account can use an address that its column does not
// allow: it could be another session's.
func TestEnforceAddresses(t *testing.T) {
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
			a := NewFileAuthenticator(dir, "ac", false, slog.New(slog.DiscardHandler))
			a.EnforceAddresses = bound
			d := a.Authenticate(context.Background(), pppoe.SessionInfo{Unit: 2}, pap.Credential{Name: c.name, Password: pap.Password(c.password)})
			if !d.Accepted || (d.AllowAddress != nil) != bound {
				t.Fatalf("%s: granted %v, bound %v, want %v", c.name, d.Accepted, d.AllowAddress != nil, bound)
			}
			if bound && (c.may != "" && !d.AllowAddress(netip.MustParseAddr(c.may)) || d.AllowAddress(netip.MustParseAddr(c.mayNot))) {
				t.Errorf("%s: should be allowed %q, and not %s", c.name, c.may, c.mayNot)
			}
		}
	}
}

// TestUnit: a device's number, or else the session's, from 0.
func TestUnit(t *testing.T) {
	for device, want := range map[string]int{"": 6, "wan": 6, "ppp": 6, "pppoe0": 6, "ppp12": 12, "ppp2147483647": 1<<31 - 1, "ppp2147483648": 6} {
		if got := unitNumber(pppoe.SessionInfo{Unit: 6, Device: device}); got != want {
			t.Errorf("%q: %d, want %d", device, got, want)
		}
	}
}

// TestPolicy: an account's options change the default policy, for its session alone.
func TestPolicy(t *testing.T) {
	dir := t.TempDir()
	text := "alice ac one * -- rate-down 5000 source-allow 198.51.100.0/29 framed-route 203.0.113.0/24\nbob ac two *\ncarol ac three * -- rate-up fast\n" +
		"dave ac four * -- mtu 1400 nosource-check rate-up 0\nerin ac five * -- cret\n"
	if err := os.WriteFile(filepath.Join(dir, "pap-secrets"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	a := NewFileAuthenticator(dir, "ac", false, slog.New(slog.NewTextHandler(&log, nil)))
	a.Defaults = pppd.New()
	all := pppoe.SessionPolicy{CheckSource: true, Up: datapath.Rate{Bits: 1e6}, Down: datapath.Rate{Bits: 2e6, Burst: time.Second}}
	a.Defaults.Policy = all
	login := func(name, password string) pppoe.AuthResult {
		return a.Authenticate(context.Background(), pppoe.SessionInfo{SessionID: 1}, pap.Credential{Name: name, Password: pap.Password(password)})
	}
	if login("carol", "three").Accepted || login("erin", "five").Accepted {
		t.Error("an account with invalid options is accepted")
	}
	alice, dave := all, pppoe.SessionPolicy{Down: all.Down}
	alice.Down.Bits, alice.AllowSources = 5e6, []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")}
	alice.FramedRoutes = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	for _, c := range []struct {
		user, password string
		want           *pppoe.SessionPolicy // nil: the server's
	}{
		{"alice", "one", &alice}, {"bob", "two", nil}, {"dave", "four", &dave}, {"bob", "two", nil},
	} {
		if d := login(c.user, c.password); !d.Accepted || !reflect.DeepEqual(d.Policy, c.want) {
			t.Errorf("%s: granted %v, terms %+v, want %+v", c.user, d.Accepted, d.Policy, c.want)
		}
	}
	if d := login("alice", "two"); d.Policy != nil {
		t.Errorf("a wrong password has terms: %+v", d.Policy)
	}
	for user, password := range map[string]string{"carol": "three", "erin": "five"} {
		if d := login(user, password); !strings.HasPrefix(d.Reason, "not allowed: "+dir+"/pap-secrets:") || strings.Contains(d.Reason, "fast") || strings.Contains(d.Reason, "cret ") {
			t.Errorf("%s: %q; want the line number, and none of its words", user, d.Reason)
		}
	}
	if said := log.String(); !strings.Contains(said, "dave") || strings.Contains(said, "fast") || strings.Contains(said, "cret ") {
		t.Errorf("the log: %s", said)
	}
}

// TestCheckFiles: errors in the files of some methods are logged at the start.
func TestCheckFiles(t *testing.T) {
	for _, c := range []struct {
		files   map[string]string
		methods []ppp.Method
		want    []string // lines of the log
	}{
		{nil, nil, nil},
		{nil, []ppp.Method{chap.MD5, chap.MSv2}, []string{"File DIR/chap-secrets does not exist"}},
		{nil, []ppp.Method{chap.MD5, pap.Method}, []string{"File DIR/chap-secrets does not exist", "File DIR/pap-secrets does not exist"}},
		{map[string]string{"pap-secrets": "a * b *\n"}, []ppp.Method{pap.Method}, nil},
		{map[string]string{"chap-secrets": "a * \"b *\nc * @/nowhere/at/all *\n"}, []ppp.Method{eap.MD5},
			[]string{"DIR/chap-secrets:1: line ignored", "DIR/chap-secrets:2: all logins with this line are rejected"}},
	} {
		dir := t.TempDir()
		for name, text := range c.files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var log strings.Builder
		NewFileAuthenticator(dir, "ac", false, slog.New(slog.NewTextHandler(&log, nil))).CheckFiles(c.methods)
		said := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
		if log.Len() == 0 {
			said = nil
		}
		if !slices.EqualFunc(said, c.want, func(line, want string) bool {
			return strings.Contains(line, "level=WARN msg=\""+strings.ReplaceAll(want, "DIR", dir))
		}) {
			t.Errorf("%v, %v: the log is %q, want %q", c.files, c.methods, said, c.want)
		}
	}
}

// TestOwnMethods: we authenticate ourselves to a peer by a secret whose client is our name and
// whose server is the peer's; a secret of all clients is not ours.
func TestOwnMethods(t *testing.T) {
	for _, c := range []struct {
		chap, pap     string // the files
		secret, clear string // for alice
		able          []ppp.Method
	}{
		{"", "", "", "", nil},
		{"* * guest *\n", "* * guest *\n", "", "", nil},
		{"ac alice one *\n", "", "one", "", []ppp.Method{eap.MD5, chap.MSv2, chap.MD5}},
		{"", "ac * two *\n", "", "two", []ppp.Method{pap.Method}},
		{"ac bob one *\n* * guest *\n", "ac alice two *\n", "", "two", []ppp.Method{eap.MD5, chap.MSv2, chap.MD5, pap.Method}},
		{"ac alice @/nowhere/at/all *\n", "", "", "", []ppp.Method{eap.MD5, chap.MSv2, chap.MD5}},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"chap-secrets": c.chap, "pap-secrets": "alice ac pw *\n" + c.pap} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		a := NewFileAuthenticator(dir, "ac", false, slog.New(slog.DiscardHandler))
		d := a.Authenticate(context.Background(), pppoe.SessionInfo{SessionID: 1}, pap.Credential{Name: "alice", Password: pap.Password("pw")})
		if !d.Accepted || string(d.Secret) != c.secret || string(d.CleartextSecret) != c.clear {
			t.Errorf("%q, %q: granted %v, secrets %q and %q, want %q and %q", c.chap, c.pap, d.Accepted, d.Secret, d.CleartextSecret, c.secret, c.clear)
		}
		d = a.Authenticate(context.Background(), pppoe.SessionInfo{SessionID: 1}, pap.Credential{Name: "alice", Password: pap.Password("wrong")})
		if d.Secret != nil || d.CleartextSecret != nil {
			t.Errorf("%q, %q: our secret is returned for a wrong password", c.chap, c.pap)
		}
		if able := a.OwnMethods([]ppp.Method{eap.MD5, chap.MSv2, chap.MD5, pap.Method}); !slices.Equal(able, c.able) {
			t.Errorf("%q, %q: own methods are %v, want %v", c.chap, c.pap, able, c.able)
		}
	}
}

// TestOwnSecretUnreadable: the line is logged, and nothing for a user without a shared secret.
func TestOwnSecretUnreadable(t *testing.T) {
	dir := t.TempDir()
	text := "alice ac pw *\nbob ac pw *\ncarol ac pw *\nac alice @/nowhere/at/all *\nac carol own *\n"
	if err := os.WriteFile(filepath.Join(dir, "pap-secrets"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	a := NewFileAuthenticator(dir, "ac", false, slog.New(slog.NewTextHandler(&log, nil)))
	for user, logged := range map[string]bool{"alice": true, "bob": false, "carol": false} {
		a.CheckFiles([]ppp.Method{pap.Method})
		log.Reset()
		d := a.Authenticate(context.Background(), pppoe.SessionInfo{SessionID: 1}, pap.Credential{Name: user, Password: pap.Password("pw")})
		if said := strings.Contains(log.String(), "our secret for") && strings.Contains(log.String(), "pap-secrets:4: "); !d.Accepted || said != logged || !logged && log.Len() > 0 {
			t.Errorf("%s: granted %v, the log is %q", user, d.Accepted, &log)
		}
	}
}

// TestSetFiles: each path can be set, and the other stays.
func TestSetFiles(t *testing.T) {
	for _, c := range []struct{ chap, pap, wantCHAP, wantPAP string }{
		{"", "", "DIR/chap-secrets", "DIR/pap-secrets"}, {"/a", "", "/a", "DIR/pap-secrets"}, {"", "/b", "DIR/chap-secrets", "/b"},
	} {
		a := NewFileAuthenticator("DIR", "ac", false, slog.New(slog.DiscardHandler))
		a.SetFiles(c.chap, c.pap)
		if gotCHAP, gotPAP := a.fileOf(chap.MD5Response{}), a.fileOf(pap.Credential{}); gotCHAP != c.wantCHAP || gotPAP != c.wantPAP {
			t.Errorf("%+v: %s and %s", c, gotCHAP, gotPAP)
		}
	}
}

// TestHasAccount: a user has an account in either file; who can tell is only a file that can be read.
func TestHasAccount(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		want  bool
	}{
		{nil, true},
		{map[string]string{"chap-secrets": "alice ac secret *\n"}, true},
		{map[string]string{"pap-secrets": "alice * secret *\n"}, true},
		{map[string]string{"chap-secrets": "bob ac secret *\n", "pap-secrets": "alice * secret *\n"}, true},
		{map[string]string{"chap-secrets": "* ac secret *\n"}, true},
		{map[string]string{"chap-secrets": "bob ac secret *\n"}, false},
		{map[string]string{"chap-secrets": "alice other secret *\n", "pap-secrets": ""}, false},
	} {
		dir := t.TempDir()
		for name, text := range c.files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if is := NewFileAuthenticator(dir, "ac", false, slog.New(slog.DiscardHandler)).HasAccount("alice"); is != c.want {
			t.Errorf("%v: %v, want %v", c.files, is, c.want)
		}
	}
}
