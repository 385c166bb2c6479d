// Package version provides the version of the programs, from the build information.
package version

import (
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/pflag"
)

// release is set by the linker in builds without version control information, as in an image:
// -ldflags "-X upppoe/internal/version.release=v1.2.3". Empty: the build
// information is used.
var release string

// devel is the version of a build without information.
const devel = "devel"

// revisionLen is how many digits of a commit are shown, as in the versions that Go makes.
const revisionLen = 12

// String returns the version: the release, or Go's version of tag and commit, or the commit, or
// "devel".
func String() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return devel
	}
	return fromBuildInfo(info)
}

// fromBuildInfo returns the version in the build information.
func fromBuildInfo(info *debug.BuildInfo) string {
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

// pppd is the release of pppd with which the programs are compatible.
const pppd = "2.5.2"

// PPPD returns the first line of pppd --version, from which scripts read the number.
func PPPD() string { return fmt.Sprintf("pppd version %s (upppoe %s)", pppd, String()) }

// Line returns what a program prints for --version.
func Line(program string) string { return program + " (upppoe) " + String() }

// AddFlag adds the flag --version, and a letter for it, to a set. The flag writes the program's
// line and ends the parsing with pflag.ErrHelp.
func AddFlag(set *pflag.FlagSet, letter string, w io.Writer) {
	set.BoolFuncP("version", letter, "print the version", func(string) error {
		if _, err := fmt.Fprintln(w, Line(set.Name())); err != nil {
			return fmt.Errorf("version: %w", err)
		}
		return pflag.ErrHelp
	})
}
