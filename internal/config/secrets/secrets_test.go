package secrets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const text = `# accounts
"testuser" * "testpassword" *
alice ac1 one 192.0.2.7
alice *   two
*     ac9 three *
bob   *   "spaced secret" !192.0.2.1 192.0.2.0/24
carol *   "" -
dave  *   'a\'b#c' *	# a comment
erin  *   @home *
""    *   open 192.0.2.9
frank *   p w
grace ac1
grace *   weak *
heidi *   pw host.example
heidi *   fine *
ivan
*     *   guest *
judy  *   first *
judy  *   second *
Mallory ac8 m * -- mtu 1400
`

func TestLookup(t *testing.T) {
	f, _ := Parse("f", text)
	for _, c := range []struct {
		client, server, want, why string
		ok                        bool
	}{
		{"testuser", "any", "testpassword", "the story's line", true},
		{"alice", "ac1", "one", "no wildcard is better than one", true},
		{"alice", "ac2", "two", "one wildcard is better than two", true},
		{"alice", "ac9", "two", "a line that names the client is better than one that names the server", true},
		{"alice", "", "one", "an unknown server matches any", true},
		{"Alice", "ac1", "guest", "names are case-sensitive", true},
		{"eve", "ac9", "three", "all clients of a server", true},
		{"eve", "ac8", "guest", "all clients of all servers", true},
		{"bob", "x", "spaced secret", "quotes", true},
		{"carol", "x", "", "an empty secret is valid", true},
		{"dave", "x", "a'b#c", "escapes in quotes", true},
		{"erin", "x", "@home", "@ without / is an ordinary character", true},
		{"", "x", "open", "the name may be empty", true},
		{"frank", "x", "", "a secret with spaces and no quotes is malformed; the wildcard line does not apply", false},
		{"frank", "ac9", "", "nor does the server's line", false},
		{"grace", "ac1", "", "a short line is malformed; the wildcard line does not apply", false},
		{"heidi", "x", "fine", "a valid line is used in spite of a malformed one", true},
		{"ivan", "x", "", "a name alone is rejected", false},
		{"judy", "x", "first", "of equals the first", true},
		{"Mallory", "ac8", "m", "options after -- are not addresses", true},
		{"*", "ac9", "three", "a client may be called *", true},
	} {
		e, err := f.Lookup(c.client, c.server)
		if ok := err == nil; ok != c.ok || string(e.Secret) != c.want {
			t.Errorf("%s (%s at %s): found %v, of %d octets; want %v, %q", c.why, c.client, c.server, err, len(e.Secret), c.ok, c.want)
		}
	}
}

// TestOptions: the words after -- are kept, unparsed.
func TestOptions(t *testing.T) {
	f, _ := Parse("f", "alice * one * -- rate-up 1000\nbob * two 192.0.2.1 --\ncarol * three\ndave * four -- nodetach\n")
	for client, want := range map[string]string{"alice": "rate-up 1000", "bob": "", "carol": "", "dave": "nodetach"} {
		e, _ := f.Lookup(client, "")
		var got []string
		for _, w := range e.Options {
			got = append(got, w.Text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s has options %q, want %q", client, got, want)
		}
	}
}

// TestWarnings: a warning about an ignored line has its number and none of its words.
func TestWarnings(t *testing.T) {
	_, notices := Parse("f", text)
	warnings := texts(notices)
	want := []string{
		"f:11: line ignored: word 4 is not an IPv4 address",
		"f:12: line ignored: a client, a server and a secret are required",
		"f:14: line ignored: word 4 is not an IPv4 address",
		"f:16: line ignored: a client, a server",
	}
	if !slices.EqualFunc(warnings, want, strings.HasPrefix) {
		t.Errorf("warnings %q, want %q", warnings, want)
	}
	if s := strings.Join(warnings, "\n"); strings.Contains(s, "host.example") || strings.Contains(s, `"w"`) {
		t.Errorf("warnings show words that may be a part of a secret: %q", warnings)
	}
}

// TestMalformedLine: an unclosed quote or a bad escape makes the account of its line unusable, and no
// other; the log has file and line, and no part of the secret.
func TestMalformedLine(t *testing.T) {
	f, notices := Parse("f", "alice * one *\nbob * \"geheim *\ncarol * 'three' *\n\"dave * geheim\nerin * gehe\\x *\nfrank * it's *\n"+
		"\"gina * x\" * four *\nheidi * five 192.0.2.1 'x\n* * guest *\n")
	warnings := texts(notices)
	for client, want := range map[string]string{
		"alice": "one", "carol": "three", "gina * x": "four", "ivan": "guest",
		"bob": "", "dave": "", "erin": "", "frank": "", "heidi": "", // the wildcard line does not apply
	} {
		if e, err := f.Lookup(client, "ac"); (err == nil) != (want != "") || string(e.Secret) != want {
			t.Errorf("%s: %v, want the secret %q", client, err, want)
		} else if want == "" && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want %v", client, err, ErrMalformed)
		}
	}
	want := []string{
		`f:2: line ignored: the quote " is not closed in its line`,
		`f:4: line ignored: the quote " is not closed in its line`,
		`f:5: line ignored: \x needs`,
		`f:6: line ignored: the quote ' is not`,
		`f:8: line ignored: the quote ' is not`,
	}
	if !slices.EqualFunc(warnings, want, strings.HasPrefix) || strings.Contains(strings.Join(warnings, ""), "geheim") {
		t.Errorf("warnings %q, want %q", warnings, want)
	}
}

// TestWindowsText: a byte order mark and CR LF are not part of a name or a secret.
func TestWindowsText(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	word := write("word", "\ufeffgeheim\r\nmore\r\n")
	f, warnings, err := Load(write("chap-secrets", "\ufeffalice * one *\r\nbob * \"two\" 192.0.2.7\r\ncarol \\\r\n * @"+word+" *\r\n"))
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	for client, want := range map[string]string{"alice": "one", "bob": "two", "carol": "geheim"} {
		if e, err := f.Lookup(client, "ac"); err != nil || string(e.Secret) != want {
			t.Errorf("%s: %v, a secret of %d octets, want %q", client, err, len(e.Secret), want)
		}
	}
	if s, warning, err := PasswordFromFile(word); string(s) != "geheim" || warning != "" || err != nil {
		t.Errorf("a password file: %d octets, %q, %v", len(s), warning, err)
	}
	for _, mark := range []string{"\xff\xfe", "\xfe\xff"} {
		path := write("utf16", mark+"a\x00")
		if _, _, err := Load(path); err == nil || !strings.Contains(err.Error(), "UTF-8") {
			t.Errorf("a file in UTF-16: %v", err)
		}
		if _, _, err := PasswordFromFile(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("a password in UTF-16: %v", err)
		}
	}
}

// TestSecretFileIsReadAgain: a secret in a separate file is read at each Lookup.
func TestSecretFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "word")
	f, notices := Parse("f", "alice * @"+path+" *\nbob * two *\n")
	warnings := texts(notices)
	if want := "f:1: all logins with this line are rejected: secret file: no such file"; len(warnings) != 1 || !strings.HasPrefix(warnings[0], want) {
		t.Errorf("warnings %q, want %q", warnings, want)
	}
	for _, text := range []string{"", "one", "two", "", "two"} {
		os.Remove(path)
		if text != "" {
			if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		e, err := f.Lookup("alice", "ac")
		if string(e.Secret) != text || (err == nil) != (text != "") {
			t.Errorf("the file has %q, and the secret has %d octets, %v", text, len(e.Secret), err)
		}
		if text == "" && (!errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "f:1: ") || strings.Contains(err.Error(), path)) {
			t.Errorf("without a file: %v; want the line, and no file name, which may be a secret", err)
		}
		if e, err := f.Lookup("bob", "ac"); string(e.Secret) != "two" || err != nil {
			t.Errorf("bob: %v", err)
		}
	}
}

// TestOneReadPerLookup: every Lookup reads one file if any secret is in a file, so that its time does
// not reveal which names have accounts.
func TestOneReadPerLookup(t *testing.T) {
	defer func() { readLine = firstLine }()
	reads := 0
	readLine = func(string) (Secret, bool, error) { reads++; return Secret("x"), false, nil }
	for text, want := range map[string]int{"alice * one *\nbob * two\n": 0, "alice * one *\nbob * @/a *\ncarol * @/b *\ndave\n": 1} {
		f, _ := Parse("f", text)
		for _, client := range []string{"alice", "bob", "carol", "dave", "nobody"} {
			reads = 0
			f.Lookup(client, "ac")
			if reads != want {
				t.Errorf("%q: for %s %d files are read, want %d", text, client, reads, want)
			}
		}
	}
}

// TestPasswordFromFD: the first line of the input, of 65,536 octets at most; the descriptor is closed.
func TestPasswordFromFD(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	for text, want := range map[string]string{"a": "a", "a\n": "a", "a b\r\nc": "a b", "": "", "\na": "", long: long, long[1:] + "\n": long[1:], long + "y": long} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			w.WriteString(text)
			w.Close()
		}()
		fd, err := syscall.Dup(int(r.Fd()))
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		s, err := PasswordFromFD(fd)
		if string(s) != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, errEmpty) {
			t.Errorf("%d octets: %d, %v; want %d", len(text), len(s), err, len(want))
		}
	}
	if _, err := PasswordFromFD(1 << 20); err == nil || errors.Is(err, errEmpty) {
		t.Errorf("a descriptor that is not open: %v", err)
	}
}

// TestHasClient: only clients that a line names, not those that a wildcard matches.
func TestHasClient(t *testing.T) {
	f, _ := Parse("f", "ac * one *\n* * guest *\n")
	for client, want := range map[string]bool{"ac": true, "alice": false, "*": false} {
		if f.HasClient(client) != want {
			t.Errorf("%q: %v, want %v", client, !want, want)
		}
		if e, err := f.LookupNamed(client, "x"); (err == nil) != want || string(e.Secret) != map[bool]string{true: "one"}[want] {
			t.Errorf("%q has a secret of its own of %d octets, %v; want %v", client, len(e.Secret), err, want)
		}
	}
	f, _ = Parse("f", "ac bob one *\n* * guest *\n")
	if e, err := f.LookupNamed("ac", "alice"); !errors.Is(err, ErrUnknown) || len(e.Secret) > 0 {
		t.Errorf("LookupNamed uses a wildcard line: %v", err)
	}
	if (&File{}).HasClient("ac") {
		t.Error("an empty file has a client")
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		os.WriteFile(path, []byte(text), 0o600)
		os.Chmod(path, mode)
		return path
	}
	word, shared, empty := write("word", "from a file \r\nand more\n", 0o600), write("shared", "all see", 0o604), write("empty", "\nsecond", 0o600)
	path := write("chap-secrets", "a * @"+word+" *\nb * @"+dir+"/none *\nc * @"+shared+" *\nd * @"+empty+" *\ne * @"+dir+" *\n* * x *\n", 0o640)
	f, notices, err := Load(path)
	warnings := texts(notices)
	want := []string{
		"Warning - secret file " + path + " has world and/or group access",
		path + ":2: all logins with this line are rejected: secret file: no such file",
		path + ":3: Warning - secret file " + shared + " has world and/or group access",
		path + ":4: all logins with this line are rejected: secret file: the first line is empty: it must be the password",
		path + ":5: all logins with this line are rejected: " + dir + " is not a plain file",
	}
	if err != nil || !slices.EqualFunc(warnings, want, strings.HasPrefix) {
		t.Errorf("%v, warnings %q; want %q", err, warnings, want)
	}
	for name, want := range map[string]string{"a": "from a file ", "c": "all see", "z": "x", "b": "", "d": "", "e": ""} {
		if e, err := f.Lookup(name, "x"); (err == nil) != (want != "") || string(e.Secret) != want {
			t.Errorf("%s: %v, a secret of %d octets; want %q", name, err, len(e.Secret), want)
		}
	}
	if _, warning, err := PasswordFromFile(shared); err != nil || warning != "Warning - secret file "+shared+" has world and/or group access" {
		t.Errorf("a password file that others can read: %q, %v", warning, err)
	}
	if _, _, err := PasswordFromFile(empty); err == nil || !strings.Contains(err.Error(), empty) {
		t.Errorf("an empty password: %v", err)
	}
}

func TestUnreadableFile(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Load(dir); err == nil {
		t.Error("a directory is read as a file")
	}
	if _, _, err := Load(dir + "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that does not exist: %v", err)
	}
}

func TestSecretsAreHidden(t *testing.T) {
	f, _ := Parse("f", "a * geheim *")
	e, _ := f.Lookup("a", "x")
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, v := range []any{e, &e, e.Secret} {
			if s := fmt.Sprintf(format, v); !strings.Contains(s, "<hidden>") {
				t.Errorf("%s shows %s", format, s)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{text, "a b c 1.2.3.4/8+ !5.6.7.8 *", "* * \"\"", "a"} {
		f.Add(text, "alice", "ac1")
	}
	f.Fuzz(func(t *testing.T, text, client, server string) {
		if strings.Contains(text, "@") || strings.Contains(text, `\`) {
			return // it could read files
		}
		file, _ := Parse("f", text)
		e, err := file.Lookup(client, server)
		ok := err == nil
		if ok && (len(e.Secret) > len(text) || !strings.Contains(text, "*") && !strings.Contains(text, server)) {
			t.Errorf("%q has an account for %q at %q", text, client, server)
		}
		if !ok && (len(e.Secret) > 0 || len(e.Addresses.rules) > 0) {
			t.Errorf("%q: an entry that is not found is not empty", text)
		}
		for _, a := range e.Addresses.ForUnit(3).Singles() {
			if !e.Addresses.ForUnit(3).Allows(a) {
				t.Errorf("%q: its own address %v is not allowed", text, a)
			}
		}
	})
}

// BenchmarkLookup searches 100,000 accounts.
func BenchmarkLookup(b *testing.B) {
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "\"user%d@isp.example\" * \"password %d\" *\n", i, i)
	}
	f, notices := Parse("f", text.String())
	warnings := texts(notices)
	if len(warnings) > 0 {
		b.Fatal(warnings)
	}
	for i := 0; b.Loop(); i++ {
		if _, err := f.Lookup("user99999@isp.example", "ac"); err != nil {
			b.Fatal(err)
		}
	}
}

// texts are notices as they are logged.
func texts(all []Notice) (lines []string) {
	for _, n := range all {
		lines = append(lines, n.String())
	}
	return lines
}
