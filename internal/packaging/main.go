// Command packaging builds what users install: static tarballs for each processor, packages for OpenWrt, and Debian
// packages (which need dpkg-deb). What the packages have beside the programs is in files/, as it is laid out after
// the installation. Equal sources give equal files.
//
//	go run ./internal/packaging -o /tmp/packages
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// job is one run of the command.
type job struct {
	root    string // of the module
	out     string // directory of the results
	work    string // directory of intermediate files, which is removed
	version version
	date    time.Time // of all files
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "packaging: "+err.Error())
		os.Exit(1)
	}
}

func run() error {
	out := flag.String("o", "", "directory for the results; it is created")
	release := flag.String("version", "", "version of the packages, like 1.2.3 (default: from git)")
	only := flag.String("arch", "", "build for these processors only, a list like amd64,mipsle (default: all)")
	debs := flag.Bool("deb", true, "build Debian packages")
	tarballs := flag.Bool("tar", true, "build tarballs")
	ipks := flag.Bool("ipk", true, "build packages for OpenWrt's opkg")
	flag.Parse()
	targets, err := selectTargets(*only)
	if err == nil && (*out == "" || flag.NArg() > 0) {
		err = fmt.Errorf("give the directory for the results: -o DIR")
	}
	if err != nil {
		return err
	}
	j, err := newJob(*out, *release)
	if err != nil {
		return err
	}
	defer os.RemoveAll(j.work)
	return j.build(targets, kinds{*debs, *tarballs, *ipks})
}

// newJob finds the module, its version and its date.
func newJob(out, release string) (*job, error) {
	module, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	j := &job{root: filepath.Dir(strings.TrimSpace(string(module)))}
	if j.out, err = filepath.Abs(out); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(j.out, 0o755); err != nil {
		return nil, err
	}
	if j.version, err = findVersion(j.root, release); err != nil {
		return nil, err
	}
	if j.date, err = sourceDate(j.root); err != nil {
		return nil, err
	}
	j.work, err = os.MkdirTemp("", "upppoe-packaging-")
	return j, err
}

// sourceDate is SOURCE_DATE_EPOCH, or else the date of the commit.
func sourceDate(root string) (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		out, err := git(root, "log", "-1", "--format=%ct")
		if err != nil {
			return time.Time{}, fmt.Errorf("the date of the commit: %w: set SOURCE_DATE_EPOCH", err)
		}
		text = out
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH %q: give seconds since 1970", text)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

func git(root string, args ...string) (string, error) {
	out, err := exec.Command("git", append([]string{"-C", root}, args...)...).Output()
	return strings.TrimSpace(string(out)), err
}

// kinds are what is built.
type kinds struct{ debs, tarballs, ipks bool }

// build builds for all targets.
func (j *job) build(targets []target, of kinds) error {
	texts, err := j.generate()
	if err != nil {
		return err
	}
	for _, t := range targets {
		if err := j.buildTarget(t, of, texts); err != nil {
			return err
		}
	}
	return nil
}

// buildTarget builds for one target.
func (j *job) buildTarget(t target, of kinds, texts map[string]map[string][]byte) error {
	bin, err := j.compile(t)
	if err != nil {
		return err
	}
	if of.tarballs {
		if err := j.tarball(t, bin, texts); err != nil {
			return err
		}
	}
	if of.ipks {
		if err := j.openwrtPackages(t, bin); err != nil {
			return err
		}
	}
	if of.debs && t.debian != "" {
		return j.debianPackages(t, bin, texts)
	}
	return nil
}
