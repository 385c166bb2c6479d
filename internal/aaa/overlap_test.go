package aaa

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/chap"
	"upppoe/internal/config/secrets"
	"upppoe/ppp"
	"upppoe/ppp/pap"
)

// TestOverlaps: addresses and framed routes of two accounts that overlap are logged when the files
// are read, with both lines; those of one account are not.
func TestOverlaps(t *testing.T) {
	const clear = ""
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "a * x 192.0.2.1\nb * x 192.0.2.2\nc * x *\nd * x -\n", clear},
		{"an address", "a * x 192.0.2.1\nb * x 192.0.2.2\nc * x 192.0.2.1\n",
			`DIR:3: address 192.0.2.1 of account "c" is also address 192.0.2.1 of account "a" (DIR:1): only one`},
		{"one account, two lines", "a ac x 192.0.2.1\na * x 192.0.2.1\n", clear},
		{"another server", "a ac x 192.0.2.1\nb other x 192.0.2.1\n", clear},
		{"all clients", "a ac x 192.0.2.1\n* * x 192.0.2.1\n", clear},
		{"a malformed line", "a ac x 192.0.2.1\nb ac \"x 192.0.2.1\n", "DIR:2: line ignored"},
		{"further addresses", "a * x 192.0.2.1 192.0.2.9\nb * x 192.0.2.2 192.0.2.9\n", clear},
		{"a route", "a * x * -- framed-route 198.51.100.0/24\nb * x * -- rate-up 5 framed-route 198.51.100.9/24\n",
			`DIR:2: framed-route 198.51.100.0/24 of account "b" is also framed-route 198.51.100.0/24 of account "a" (DIR:1): only one`},
		{"a route within", "a * x * -- framed-route 2001:db8:1:2::/64\nb * x * -- framed-route 2001:db8::/32\n",
			`DIR:1: framed-route 2001:db8:1:2::/64 of account "a" is within framed-route 2001:db8::/32 of account "b" (DIR:2): packets for it go to "a" alone: give each`},
		{"an address within", "a * x 198.51.100.7\nb * x * -- framed-route 198.51.100.0/24\n",
			`DIR:1: address 198.51.100.7 of account "a" is within framed-route 198.51.100.0/24 of account "b" (DIR:2)`},
		{"routes of two VRFs", "a * x * -- vrf red framed-route 198.51.100.0/24\nb * x * -- framed-route 198.51.100.0/24 vrf blue\nc * x * -- framed-route 198.51.100.0/24\n", clear},
		{"routes of one VRF", "a * x * -- vrf red framed-route 198.51.100.0/24\nb * x * -- framed-route 198.51.100.0/24 vrf red\n",
			`DIR:2: framed-route 198.51.100.0/24 of account "b" is also framed-route 198.51.100.0/24 of account "a" (DIR:1): only one`},
		{"an address of two VRFs", "a * x 192.0.2.1 -- vrf red\nb * x 192.0.2.1 -- vrf blue\n",
			`DIR:2: address 192.0.2.1 of account "b" is also address 192.0.2.1 of account "a" (DIR:1): only one`},
		{"beside", "a * x 198.51.101.0\nb * x * -- framed-route 198.51.100.0/24\nc * x * -- framed-route 198.51.101.128/25\n", clear},
		{"behind one's own", "a * x 198.51.100.7 -- framed-route 198.51.100.0/24\nb * x * -- framed-route 198.51.0.0/16\n",
			`DIR:1: address 198.51.100.7 of account "a" is within framed-route 198.51.0.0/16 of account "b" (DIR:2)`},
	} {
		path := filepath.Join(t.TempDir(), "pap-secrets")
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "chap-secrets"), []byte("z * y 203.0.113.1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		a := NewFileAuthenticator(filepath.Dir(path), "ac", false, slog.New(slog.NewTextHandler(&log, nil)))
		for range 2 { // the second time the file has not changed
			a.CheckFiles([]ppp.Method{pap.Method})
			a.OwnMethods([]ppp.Method{chap.MD5}) // reads the other file
		}
		said := strings.ReplaceAll(strings.ReplaceAll(log.String(), path, "DIR"), `\"`, `"`)
		if c.want == clear && said != "" || strings.Count(said, "level=WARN msg=\""+c.want) != 1 && c.want != clear || strings.Contains(said, " x ") {
			t.Errorf("%s: the log is\n%s", c.name, said)
		}
	}
}

// TestManyOverlaps: the log is bounded, and the check of 20,000 accounts is not quadratic, even if
// all have one address.
func TestManyOverlaps(t *testing.T) {
	var text strings.Builder
	const accounts = 20_000
	for i := range accounts {
		fmt.Fprintf(&text, "u%d * x 192.0.2.1 -- framed-route 198.51.100.0/%d\n", i, 24+i%8)
	}
	f, _ := secrets.Parse("f", text.String())
	if n := len(overlaps(holdings(nil, "f", "ac", f))); n != 2*accounts-2 {
		t.Errorf("%d overlaps, want %d", n, 2*accounts-2)
	}
	var log strings.Builder
	a := NewFileAuthenticator(t.TempDir(), "ac", false, slog.New(slog.NewTextHandler(&log, nil)))
	a.files["f"] = &cachedFile{file: f}
	a.warnOfOverlaps("f")
	if n := strings.Count(log.String(), "\n"); n != maxOverlaps+1 || !strings.Contains(log.String(), fmt.Sprint(2*accounts-2-maxOverlaps, " more")) {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
}
