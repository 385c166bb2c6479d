// Package flagerror says in words what is wrong with a flag's value, where package pflag passes
// on what a parser of numbers says.
package flagerror

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
)

// Explain returns the error of pflag's Parse, or, of a value that should be a number or a truth
// value, one that names the flag as users know it, the value, and what to give.
func Explain(err error) error {
	bad, number := (*pflag.InvalidValueError)(nil), (*strconv.NumError)(nil)
	if !errors.As(err, &bad) || !errors.As(err, &number) {
		return err
	}
	f := bad.GetFlag()
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = fmt.Sprintf("-%s (--%s)", f.Shorthand, f.Name)
	}
	return fmt.Errorf("%s %q: %s", name, bad.GetValue(), expected(f.Value.Type(), number.Err))
}

// expected is what to give for a flag of a type.
func expected(typ string, why error) string {
	switch {
	case typ == "bool":
		return "it takes no value, or true or false"
	case errors.Is(why, strconv.ErrRange):
		return "the number is too large, or too small"
	}
	return "give a whole number"
}
