package accelppp

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"upppoe/internal/config/serverconfig"
)

var update = flag.Bool("update", false, "write the files that the samples become")

// output is what is printed of a translation.
func output(c *serverconfig.Config, notes []Note) string {
	var b strings.Builder
	for _, n := range notes {
		fmt.Fprintf(&b, "# %d: %s\n", n.Line, n.Text)
	}
	b.WriteByte('\n')
	c.WriteTo(&b)
	return b.String()
}

// TestSamples: a file of accel-ppp becomes the file next to it, which is read as the same configuration.
func TestSamples(t *testing.T) {
	samples, _ := filepath.Glob("testdata/*.conf")
	if len(samples) == 0 {
		t.Fatal("there is no sample")
	}
	for _, path := range samples {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c, notes := Translate(string(text))
		got, file := output(c, notes), strings.TrimSuffix(path, ".conf")+".toml"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(file); err != nil || string(want) != got {
			t.Errorf("%s becomes\n%s\n%v, want\n%s", path, got, err, want)
		}
		if again, problems := serverconfig.Parse(file, got); problems.Err() != nil || !reflect.DeepEqual(c, again) {
			t.Errorf("%s: what is printed has another meaning: %v", path, problems)
		}
	}
}

// TestRanges: ranges of addresses, and their sizes.
func TestRanges(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.10-73": "192.0.2.10 64", "192.0.2.10-192.0.3.9": "192.0.2.10 256", "192.0.2.0/24": "192.0.2.1 254", "192.0.2.7-7": "192.0.2.7 1",
		"192.0.2.10": "", "192.0.2.10-9": "", "192.0.2.10-256": "", "2001:db8::/64": "", "x-y": "", "192.0.2.0/31": "", "10.0.0.0/8": "",
	} {
		first, size, ok := addresses(text)
		if got := fmt.Sprint(first, " ", size); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %v, %v; want %q", text, got, ok, want)
		}
	}
}

// FuzzTranslate: whatever a file has, what is printed of it is a file that is read as the same
// configuration.
func FuzzTranslate(f *testing.F) {
	for _, path := range []string{"testdata/isp.conf"} {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("[pppoe]\ninterface=\"\\\nservice-name=\x00\n[ppp\n[ip-pool]\n0.0.0.0-255.255.255.255\nmtu==\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 {
			return
		}
		c, _ := Translate(text)
		var b strings.Builder
		c.WriteTo(&b)
		again, problems := serverconfig.Parse("f", b.String())
		for _, p := range problems {
			if strings.Contains(p.Found, "not valid TOML") || p.Found == "unknown key" {
				t.Errorf("%v\n%s", p, &b)
			}
		}
		if problems.Err() == nil && !reflect.DeepEqual(c, again) {
			t.Errorf("%q: what is printed has another meaning:\n%s", text, &b)
		}
	})
}
