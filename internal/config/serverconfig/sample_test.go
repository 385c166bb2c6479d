package serverconfig

import (
	"bytes"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"upppoe/pppoe/vlan"
)

var update = flag.Bool("update", false, "write the sample file")

// sample is a commented file with all keys.
const sample = "testdata/server.toml"

// sampleConfig is what the sample says: the defaults, and an interface.
func sampleConfig() *Config {
	c := Default()
	c.Interfaces = []Interface{{Name: "eth1", VLANs: vlan.SetOf(vlan.Stack{})}}
	return c
}

// TestSample: the sample has every key with its default, and no problem.
func TestSample(t *testing.T) {
	want := append([]byte("# All keys of "+DefaultPath+", with their defaults. Only [[interface]] is needed.\n\n"), sampleConfig().Complete()...)
	if *update {
		if err := os.WriteFile(sample, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(sample)
	if err != nil || !bytes.Equal(text, want) {
		t.Fatalf("%s is not what is written: run go test -update: %v", sample, err)
	}
	c, problems := Read(sample)
	if len(problems) > 0 || !reflect.DeepEqual(c, sampleConfig().Canonical()) {
		t.Errorf("%v\n%+v %+v\n%+v %+v", problems, c, c.Options, sampleConfig().Canonical(), sampleConfig().Canonical().Options)
	}
}

// TestSampleValues: the value that a key's own description has as an example is valid, and is read from
// what is written of it.
func TestSampleValues(t *testing.T) {
	for _, s := range sections {
		name, several, _ := s.title()
		for _, r := range s.rows() {
			if r.help == "" || r.want == "" || r.arg == "" {
				t.Errorf("%s.%s has no help, or no description of its values", name, r.name)
			}
			example := exampleOf(r.want)
			text := header(name, several) + "\n" + r.name + " = " + example + "\n"
			if several && r.name != "name" {
				text = header(name, several) + "\nname = \"x\"\n" + r.name + " = " + example + "\n"
			}
			c, problems := Parse("f", text+"[[interface]]\nname = \"eth1\"\n")
			for _, p := range problems {
				if p.Key == name+"."+r.name && !p.Warning && name != "device" && r.name != "local-address" && r.name != "first-address" && r.name != "exclude" && !strings.HasPrefix(p.Found, "there is no ") {
					t.Errorf("%s%v", text, p)
				}
			}
			again, problems := Parse("f", string(c.encode(false)))
			if !reflect.DeepEqual(c, again) {
				t.Errorf("%s\nis written as\n%s\nwhich is read as\n%s%v", text, c.encode(false), again.encode(false), problems)
			}
		}
	}
}
