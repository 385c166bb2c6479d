package manpage

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// Flags are items for the flags of a set, in their order, from the same table that
// parses them.
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

// argName is what a value is called: pflag knows its type only, unless the flag's usage
// names it.
func argName(value string) string {
	switch value {
	case "string", "stringArray":
		return "TEXT"
	case "int":
		return "N"
	}
	return strings.ToUpper(value)
}

// defaultValue is the value that holds without a flag; empty: none worth telling.
func defaultValue(f *pflag.Flag) string {
	switch d := f.DefValue; d {
	case "", "false", "0", "[]":
		return ""
	default:
		return strings.Trim(d, "[]")
	}
}

// AddFlag gives a set the flag --man, which writes a page and ends the parsing with
// pflag.ErrHelp. The page is asked for only then: it may be made of the set.
func AddFlag(set *pflag.FlagSet, w io.Writer, page func() *Page) {
	set.BoolFunc("man", "print the manual page, for man -l -", func(string) error {
		if _, err := page().WriteTo(w); err != nil {
			return fmt.Errorf("manual page: %w", err)
		}
		return pflag.ErrHelp
	})
}
