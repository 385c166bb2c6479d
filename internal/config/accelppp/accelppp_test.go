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
	"upppoe/pppoe"
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

// TestPools: one range is that of first-address; several, and those with names, are pools.
func TestPools(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.10-73":             "192.0.2.10 64 [] ",
		"192.0.2.0/24":              "192.0.2.1 254 [] ",
		"192.0.2.10-19\n192.0.2.40": "invalid IP 11 [{default [192.0.2.10-192.0.2.19 192.0.2.40] [] }] default",
		"192.0.2.10-19,name=a,next=b\n192.0.2.40-47,b":              "invalid IP 18 [{a [192.0.2.10-192.0.2.19] [] b} {b [192.0.2.40/29] [] }] ",
		"192.0.2.10-19,name=a\n192.0.2.40-47,a\n[pppoe]\nip-pool=a": "invalid IP 18 [{a [192.0.2.10-192.0.2.19 192.0.2.40/29] [] }] a",
	} {
		c, notes := Translate("[common]\nsingle-session=deny\n[pppoe]\ninterface=eth1\n[ip-pool]\ngw-ip-address=198.51.100.1\n" + text)
		if got := fmt.Sprint(c.IPv4.First, " ", c.Sessions.Max, " ", c.Pools, " ", c.IPv4.Pool); got != want || c.Sessions.Duplicates != pppoe.RefuseDuplicate {
			t.Errorf("%q: %s, want %s; %v", text, got, want, notes)
		}
	}
}

// TestSkipLocal: our own address is in no pool.
func TestSkipLocal(t *testing.T) {
	for local, want := range map[string]string{
		"192.0.2.1":    "192.0.2.2 253 []",
		"192.0.2.254":  "192.0.2.1 253 []",
		"198.51.100.1": "192.0.2.1 254 []",
		"192.0.2.100":  "invalid IP 253 [{default [192.0.2.1-192.0.2.99 192.0.2.101-192.0.2.254] [] }]",
	} {
		c, notes := Translate("[pppoe]\ninterface=eth1\n[ip-pool]\ngw-ip-address=" + local + "\n192.0.2.0/24\n")
		if got := fmt.Sprint(c.IPv4.First, c.Sessions.Max, c.Pools); got != want {
			t.Errorf("%s: %s, want %s; %v", local, got, want, notes)
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
	f.Add("[pppoe\ninterface=\xa9")
	f.Add("[pppoe\ninterface\nvlan-mon=0")
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
