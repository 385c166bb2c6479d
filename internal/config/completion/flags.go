package completion

import (
	"strings"

	"github.com/spf13/pflag"
)

// Flags returns the flags of a set, each with its name, and before it with its letter.
func Flags(set *pflag.FlagSet) (words []Word) {
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, help := pflag.UnquoteUsage(f)
		if f.NoOptDefVal != "" {
			value = "" // it is given after =, or not
		}
		if f.Shorthand != "" {
			words = append(words, Word{"-" + f.Shorthand, help, strings.ToUpper(value)})
		}
		words = append(words, Word{"--" + f.Name, help, strings.ToUpper(value)})
	})
	return words
}
