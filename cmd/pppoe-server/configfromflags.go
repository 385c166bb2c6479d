package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/serverconfig"
)

// configFromFlags is the subcommand config-from-flags.
func configFromFlags(args []string) int {
	f, err := parseFlags(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return exitOK
	case err == nil && f.config != "":
		err = &pppd.Error{Message: "--config names a file that is already what config-from-flags prints"}
	}
	if err != nil {
		return fail(err)
	}
	c, warnings, err := f.load()
	if err == nil {
		err = writeConfig(os.Stdout, c, warnings)
	}
	if err != nil {
		return fail(err)
	}
	return exitOK
}

// writeConfig writes a configuration after comments that say what has no counterpart in it, or no effect.
func writeConfig(w io.Writer, c *serverconfig.Config, notes []string) error {
	var text strings.Builder
	for _, n := range notes {
		text.WriteString("# " + strings.Map(forComment, n) + "\n")
	}
	if len(notes) > 0 {
		text.WriteByte('\n')
	}
	if _, err := fmt.Fprint(w, &text); err != nil {
		return err
	}
	_, err := c.WriteTo(w)
	return err
}

// forComment replaces what TOML does not permit in a comment.
func forComment(r rune) rune {
	if unicode.IsControl(r) || r == utf8.RuneError {
		return '?'
	}
	return r
}
