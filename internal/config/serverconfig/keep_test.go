package serverconfig

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestKeepRADIUS: a reload takes over other servers, secrets, policies and clients of CoA; whether there are
// servers, accounting and CoA, and where its records and requests are, stays.
func TestKeepRADIUS(t *testing.T) {
	const (
		server = "[[radius-server]]\naddress = \"192.0.2.1\"\nsecret = \"a\"\n"
		quiet  = "[[radius-server]]\naddress = \"192.0.2.1\"\nsecret = \"b\"\naccounting-port = 0\n"
		coa    = "[coa]\nlisten = \"192.0.2.2:3799\"\n[[coa-client]]\naddress = \"192.0.2.1\"\nsecret = \"a\"\n"
	)
	read := func(text string) *Config {
		c, problems := Read(writeFile(t, "[[interface]]\nname = \"eth1\"\n"+text))
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, c := range []struct {
		from, to, kept string
		secret         string // of the first server
	}{
		{server, strings.ReplaceAll(server, `"a"`, `"b"`) + "[radius]\ntimeout = \"2s\"\n[[radius-policy]]\nname = \"x\"\n", "", "b"},
		{server + coa, server + strings.ReplaceAll(coa, `"a"`, `"b"`), "", "a"},
		{server + coa, strings.ReplaceAll(server+coa, "3799", "3800"), "coa.listen", "a"},
		{server + coa, server, "coa.listen coa-client", "a"},
		{server, server + "[accounting]\nspool = \"/tmp/x\"\n", "accounting.spool", "a"},
		{server, quiet, "radius-server", "a"},
		{quiet, server, "radius-server", "b"},
		{server, "", "radius-server", "a"},
		{"", server, "radius-server", ""},
		{"", "", "", ""},
	} {
		from, to := read(c.from), read(c.to)
		kept, secret := to.KeepFixed(from), ""
		if len(to.RADIUS.Servers) > 0 {
			secret = to.RADIUS.Servers[0].Secret
		}
		if !slices.Equal(kept, strings.Fields(c.kept)) || secret != c.secret || to.RADIUS.CoA.Listen.IsValid() && len(to.RADIUS.CoAClients) == 0 {
			t.Errorf("from\n%sto\n%skept %q, secret %q", c.from, c.to, kept, secret)
		}
	}
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "server.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
