package pppd

import (
	"strings"
	"testing"
)

// TestWriteDump: every option with its place, in the order in which it was read; passwords are hidden.
func TestWriteDump(t *testing.T) {
	dir := etc(t, map[string]string{"options": "noauth\nlcp-echo-interval 30", "peers/p": "user 'al ice'\npassword geheim\nidle 5"})
	r := reader(Client, dir)
	if err := r.Defaults(""); err != nil {
		t.Fatal(err)
	}
	if err := r.CommandLine([]string{"call", "p", "--password=geheim2", "password", "geheim3", "--mru=1400", "--persist", "eth0"}); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	r.Settings.WriteDump(&b)
	var got []string
	for line := range strings.Lines(b.String()) {
		option, where, ok := strings.Cut(strings.TrimSpace(line), " # ")
		if ok {
			got = append(got, strings.TrimSpace(option)+" @ "+strings.TrimPrefix(where, dir))
		}
	}
	want := []string{
		"noauth @ /options:1", "lcp-echo-interval 30 @ /options:2", "call p @ command line", "user al ice @ /peers/p:1", "password <hidden> @ /peers/p:2",
		"idle 5 @ /peers/p:3", "password <hidden> @ command line", "password <hidden> @ command line", "mru 1400 @ command line", "persist @ command line",
	}
	for i, line := range want {
		if i >= len(got) || got[i] != line {
			t.Fatalf("line %d of\n%s\nwant %s", i, strings.Join(got, "\n"), line)
		}
	}
	if strings.Contains(b.String(), "geheim") {
		t.Errorf("a password is shown: %s", b.String())
	}
}
