package completion

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// example is a program with flags, options and a command.
func example() Syntax {
	set := pflag.NewFlagSet("example", pflag.ContinueOnError)
	set.StringP("interface", "I", "", "the `INTERFACE`")
	set.String("config", "", "a `FILE`\nof options")
	set.Bool("quiet", false, "say nothing")
	set.Bool("secret", false, "not shown")
	set.MarkHidden("secret")
	return Syntax{
		Words:    append(Flags(set), Word{"user", "a name", "NAME"}, Word{"usepeerdns", "name servers", ""}),
		Argument: "INTERFACE",
		Commands: []Command{{"status", "show it", func() Syntax {
			return Syntax{Words: []Word{{Text: "--json"}}, Argument: "PEER"}
		}}},
	}
}

func exampleValues(name string) []string {
	return map[string][]string{"INTERFACE": {"eth0", "eth1"}, "PEER": {"isp"}}[name]
}

func TestComplete(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"", "user usepeerdns status eth0 eth1"},
		{"us", "user usepeerdns"},
		{"-", "--config -I --interface --quiet"},
		{"--q", "--quiet"},
		{"-I ", "eth0 eth1"},
		{"--interface e", "eth0 eth1"},
		{"--interface=eth1", "--interface=eth1"},
		{"--config ", ":files"},
		{"--config=/etc", ":files"},
		{"user ", ""},
		{"user user us", "user usepeerdns"}, // the user's name is user
		{"user status ", "user usepeerdns eth0 eth1"},
		{"status ", "isp"},
		{"status --", "--json"},
		{"--quiet status", ""},
		{"--unknown=", ""},
	} {
		var got []string
		for _, w := range Complete(example(), exampleValues, strings.Split(c.line, " ")) {
			got = append(got, w.Text)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q: %q, want %q", c.line, got, c.want)
		}
	}
}

// TestWrite: each candidate is one line, whatever the help contains.
func TestWrite(t *testing.T) {
	var b strings.Builder
	if err := Write(&b, example(), exampleValues, []string{"--"}); err != nil {
		t.Fatal(err)
	}
	if want := "--interface\tthe INTERFACE\n--config\ta FILE of options\n--quiet\tsay nothing\n"; !sameLines(b.String(), want) {
		t.Errorf("%q, want %q", b.String(), want)
	}
	b.Reset()
	if err := Write(&b, example(), exampleValues, nil); err != nil || !strings.Contains(b.String(), "status\tshow it\n") {
		t.Errorf("without a word: %q, %v", b.String(), err)
	}
}

func sameLines(a, b string) bool {
	return slices.Equal(slices.Sorted(strings.Lines(a)), slices.Sorted(strings.Lines(b)))
}

func TestFilesIn(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"isp", ".old", "work/vpn", ".git/x"} {
		os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := FilesIn(dir); !slices.Equal(got, []string{"isp", "work/vpn"}) {
		t.Errorf("got %q", got)
	}
	if got := FilesIn(filepath.Join(dir, "none")); got != nil {
		t.Errorf("a directory that does not exist: %q", got)
	}
}
