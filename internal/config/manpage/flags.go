package manpage

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/spf13/pflag"
)

// Flags returns an Item for each flag of a set, in the order of the set.
func Flags(set *pflag.FlagSet) (items []Block) {
	set.VisitAll(func(f *pflag.Flag) {
		value, text := pflag.UnquoteUsage(f)
		names := "--" + f.Name
		if f.Shorthand != "" {
			names = "-" + f.Shorthand + ", " + names
		}
		if d := defaultValue(f); d != "" {
			text += " (default " + d + ")"
		}
		items = append(items, Item{names, argName(value), text + "."})
	})
	return items
}

// argName returns the name of a flag's value: pflag knows its type only, unless the flag's usage names
// it in backquotes.
func argName(value string) string {
	switch value {
	case "string", "stringArray":
		return "TEXT"
	case "int":
		return "N"
	}
	return strings.ToUpper(value)
}

// defaultValue returns a flag's default; empty if it is the zero value.
func defaultValue(f *pflag.Flag) string {
	switch d := f.DefValue; d {
	case "", "false", "0", "[]":
		return ""
	default:
		return strings.Trim(d, "[]")
	}
}

// AddFlag adds the flag --man to a set. The flag writes a page and ends parsing with pflag.ErrHelp.
// page is called only then, so it may be built from the complete set.
func AddFlag(set *pflag.FlagSet, w io.Writer, page func() *Page) {
	set.BoolFunc("man", "print the manual page as man(7) source: "+set.Name()+" --man | man -l -", func(string) error {
		// A reader may have seen enough, like head.
		if _, err := page().WriteTo(w); err != nil && !errors.Is(err, syscall.EPIPE) {
			return fmt.Errorf("manual page: %w", err)
		}
		return pflag.ErrHelp
	})
}
