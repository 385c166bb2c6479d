// Package flagerror turns pflag's errors about flag values into messages for users. It replaces the
// text of strconv's errors, which pflag passes on as it is.
package flagerror

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
)

// Explain returns an error for a number or boolean flag with an invalid value that names the flag, the
// value and what is valid. Any other error, nil included, is returned unchanged.
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

// expected describes the values that are valid for a flag of a type.
func expected(typ string, why error) string {
	switch {
	case typ == "bool":
		return "it takes no value, or true or false"
	case errors.Is(why, strconv.ErrRange):
		return "the number is too large, or too small"
	}
	return "give a whole number"
}
