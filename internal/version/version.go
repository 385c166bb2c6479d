// Package version says which build of upppoe a program is: one value for all programs, from
// the build itself.
package version

import (
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/pflag"
)

// release is set by the linker where the build has no version control to ask, as in an image:
// -ldflags "-X upppoe/internal/version.release=v1.2.3". Empty: the build says it.
var release string

// devel is the version of a build that nothing is known of.
const devel = "devel"

// revisionLen is how many digits of a commit are shown, as in the versions that Go makes.
const revisionLen = 12

// String is the version: the release, or what Go made of tag and commit; then the commit
// alone; then "devel".
func String() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return devel
	}
	return of(info)
}

// of is the version that a build's stamp gives.
func of(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, suffix := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), revisionLen)]
		case s.Key == "vcs.modified" && s.Value == "true":
			suffix = "+dirty"
		}
	}
	if revision == "" {
		return devel
	}
	return revision + suffix
}

// pppd is the release of pppd whose options, log lines and exit codes the programs have.
const pppd = "2.5.2"

// PPPD is the first line of pppd --version, which scripts take the number from.
func PPPD() string { return fmt.Sprintf("pppd version %s (upppoe %s)", pppd, String()) }

// Line is what a program of a name prints for --version.
func Line(program string) string { return program + " (upppoe) " + String() }

// AddFlag gives a set the flag --version, and a letter for it, which writes the program's line
// and ends the parsing with pflag.ErrHelp.
func AddFlag(set *pflag.FlagSet, letter string, w io.Writer) {
	set.BoolFuncP("version", letter, "print the version", func(string) error {
		if _, err := fmt.Fprintln(w, Line(set.Name())); err != nil {
			return fmt.Errorf("version: %w", err)
		}
		return pflag.ErrHelp
	})
}
