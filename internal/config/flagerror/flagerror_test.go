package flagerror

import (
	"errors"
	"testing"

	"github.com/spf13/pflag"
)

// TestExplain: each kind of invalid value has a message of its own.
func TestExplain(t *testing.T) {
	for _, c := range []struct{ arg, want string }{
		{"-x=x", `-x (--number) "x": give a whole number`},
		{"--number=1.5", `-x (--number) "1.5": give a whole number`},
		{"--number=", `-x (--number) "": give a whole number`},
		{"-x=99999999999999999999", `-x (--number) "99999999999999999999": the number is too large, or too small`},
		{"--small=256", `--small "256": the number is too large, or too small`},
		{"--small=-1", `--small "-1": give a whole number`},
		{"--yes=x", `--yes "x": it takes no value, or true or false`},
		{"--none", "unknown flag: --none"},
	} {
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		set.IntP("number", "x", 0, "")
		set.Uint8("small", 0, "")
		set.Bool("yes", false, "")
		set.Usage = func() {}
		if err := Explain(set.Parse([]string{c.arg})); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.arg, err, c.want)
		}
	}
	if Explain(nil) != nil || !errors.Is(Explain(pflag.ErrHelp), pflag.ErrHelp) {
		t.Error("an error that is not about a value is changed")
	}
}
