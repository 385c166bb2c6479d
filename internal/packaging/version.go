package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// version is a version in the forms that programs print and packages have.
type version struct{ program, debian string }

// described is the output of git describe --long: a tag, the number of commits since, and the commit.
var described = regexp.MustCompile(`^v?([0-9][0-9A-Za-z.~]*)-([0-9]+)-g([0-9a-f]+)$`)

// released is a version that is given.
var released = regexp.MustCompile(`^v?([0-9][0-9A-Za-z.~+]*)$`)

// findVersion returns the given version, or else that of git. Without a tag it is below all that have one.
func findVersion(root, release string) (version, error) {
	if release != "" {
		m := released.FindStringSubmatch(release)
		if m == nil {
			return version{}, fmt.Errorf("version %q: give digits, letters, dots, + and ~, like 1.2.3", release)
		}
		return version{program: "v" + m[1], debian: m[1]}, nil
	}
	if text, err := git(root, "describe", "--tags", "--long", "--match", "v[0-9]*"); err == nil {
		if m := described.FindStringSubmatch(text); m != nil {
			return versionSince(m[1], m[2], m[3]), nil
		}
	}
	count, err := git(root, "rev-list", "--count", "HEAD")
	if err != nil {
		return version{}, errors.New("no version: give one (-version), as git knows none here")
	}
	commit, err := git(root, "rev-parse", "--short=12", "HEAD")
	return version{program: commit, debian: "0~git" + count + "." + commit}, err
}

// versionSince is the version of a commit after a tag.
func versionSince(tag, commits, commit string) version {
	if commits == "0" {
		return version{program: "v" + tag, debian: tag}
	}
	return version{program: strings.Join([]string{"v" + tag, commits, "g" + commit}, "-"), debian: tag + "+git" + commits + "." + commit}
}
