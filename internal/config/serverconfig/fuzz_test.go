package serverconfig

import (
	"os"
	"reflect"
	"testing"
)

// FuzzParse: a file that has no errors is written as one with the same meaning, and no file makes Parse
// panic.
func FuzzParse(f *testing.F) {
	text, err := os.ReadFile(sample)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("a.b.c = 1\n[[interface]]\nname = 'x'\n[[interface.x]]\n[ipv4]\ndns = [1, {a = 2}]\n[access]\npadi-limit = {total = 1, \"x\" = []}\n[policy]\nrate-up = \"1.5M\"\n[service.x]\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<13 {
			return
		}
		c, problems := Parse("f", text)
		if problems.Err() != nil {
			return
		}
		again, problems := Parse("f", string(c.encode(false)))
		if problems.Err() != nil || !reflect.DeepEqual(c, again) {
			t.Errorf("%q\nis written as\n%s%v", text, c.encode(false), problems)
		}
	})
}
