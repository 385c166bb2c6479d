package secrets

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const text = `# accounts
"testuser" * "testpassword" *
alice ac1 one 192.0.2.7
alice *   two
*     ac9 three *
bob   *   "spaced secret" !192.0.2.1 192.0.2.0/24
carol *   "" -
short line
dave  *   pw host.example
`

func TestLookup(t *testing.T) {
	f, warnings, err := Parse("f", text)
	if err != nil || len(warnings) != 2 || !strings.Contains(warnings[0], "f:8") || !strings.Contains(warnings[1], "f:9") {
		t.Fatalf("%v, warnings %q; want two, of lines 8 and 9", err, warnings)
	}
	for _, c := range []struct {
		client, server, want string
		ok                   bool
	}{
		{"testuser", "any", "testpassword", true},
		{"alice", "ac1", "one", true},
		{"alice", "ac2", "two", true},
		{"alice", "", "one", true},
		{"Alice", "ac1", "", false},
		{"eve", "ac9", "three", true},
		{"eve", "ac8", "", false},
		{"bob", "x", "spaced secret", true},
		{"dave", "x", "", false},
		{"short", "line", "", false},
		{"*", "ac9", "three", true},
	} {
		e, ok := f.Lookup(c.client, c.server)
		if ok != c.ok || string(e.Secret) != c.want {
			t.Errorf("%s at %s: found %v, of %d octets; want %v, %q", c.client, c.server, ok, len(e.Secret), c.ok, c.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	f, _, _ := Parse("f", text)
	for _, c := range []struct {
		client, addr string
		allowed      bool
	}{
		{"testuser", "203.0.113.1", true},
		{"alice", "192.0.2.7", true}, {"alice", "192.0.2.8", false},
		{"bob", "192.0.2.1", false}, {"bob", "192.0.2.2", true}, {"bob", "192.0.3.2", false},
		{"carol", "192.0.2.1", false},
	} {
		e, _ := f.Lookup(c.client, "ac1")
		if got := e.Addresses.Allows(netip.MustParseAddr(c.addr)); got != c.allowed {
			t.Errorf("%s may have %s: %v, want %v", c.client, c.addr, got, c.allowed)
		}
	}
	e, _ := f.Lookup("alice", "ac1")
	if a, ok := e.Addresses.Single(); !ok || a.String() != "192.0.2.7" {
		t.Errorf("alice's one address is %v, %v", a, ok)
	}
	if e, _ := f.Lookup("bob", "x"); len(e.Addresses.rules) != 2 {
		t.Errorf("bob has %d rules, want 2", len(e.Addresses.rules))
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	word, path := filepath.Join(dir, "word"), filepath.Join(dir, "chap-secrets")
	os.WriteFile(word, []byte("from a file\r\nand more\n"), 0o600)
	os.WriteFile(path, []byte("a * @"+word+" *\nb * @"+dir+"/none *\n"), 0o644)
	f, warnings, err := Load(path)
	if err != nil || len(warnings) != 2 || !strings.HasPrefix(warnings[0], "Warning - secret file "+path+" has world and/or group access") {
		t.Errorf("%v, warnings %q; want one of the permissions, and one of b's file", err, warnings)
	}
	if e, ok := f.Lookup("a", "x"); !ok || string(e.Secret) != "from a file" {
		t.Errorf("a's secret is of %d octets, found %v", len(e.Secret), ok)
	}
	if _, ok := f.Lookup("b", "x"); ok {
		t.Error("an account whose secret cannot be read lets somebody in")
	}
	if s := fmt.Sprintf("%v %+v %#v %s", f.clients, f.clients, f.clients, Secret("from a file")); strings.Contains(s, "from a file") {
		t.Error("a secret is shown")
	}
	if _, _, err := Load(dir); err == nil {
		t.Error("a folder is read as a file")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(text)
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "@") {
			return // it would read files
		}
		file, _, err := Parse("f", text)
		if err != nil {
			return
		}
		if e, ok := file.Lookup("x", "y"); ok && len(e.Secret) > len(text) {
			t.Error("a secret longer than the file")
		}
	})
}
