package pppd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Reader reads options into Settings: first files, then a command line, as pppd does. Of options that
// set the same thing the last one wins. Errors are of type *Error. A Reader must not be used
// concurrently.
type Reader struct {
	// Role says which options apply.
	Role Role
	// Settings receives the options: begin with New.
	Settings *Settings
	// Dir is the directory of options and peers; default /etc/ppp.
	Dir string
	// IsInterface reports whether a word is the name of an interface; default: of one of this host.
	IsInterface func(name string) bool

	depth, files     int
	openToOthers     bool // users other than the owner have access to the file that is being read
	afterPassword    bool // the previous option was password
	afterPlugin      bool // the previous option was plugin, after which the interface is expected
	first            bool // this is the first word of the command line
	assumedInterface Word // the word that was taken for a nonexistent interface
}

// Limits for files that include files.
const (
	maxDepth = 8
	maxFiles = 64
)

func (r *Reader) dir() string {
	if r.Dir == "" {
		return "/etc/ppp"
	}
	return r.Dir
}

// Defaults reads the system's options file and the user's own, if they exist (pppd(8):
// /etc/ppp/options, ~/.ppprc). They must be read before all others. An empty home means no user's file.
func (r *Reader) Defaults(home string) error {
	if err := r.File(filepath.Join(r.dir(), "options")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if home == "" {
		return nil
	}
	path := filepath.Join(home, ".ppprc")
	text, openToOthers, err := r.readInHome(home, path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
		return nil
	case errors.Is(err, fs.ErrPermission):
		// A user of a container may have root's home.
		r.warn(Word{}, "Warning - can't %v", err) // "open /root/.ppprc: permission denied"
		return nil
	case errors.Is(err, errOtherOwner):
		r.warn(Word{}, "Warning - ~/.ppprc is ignored: %v", err)
		return nil
	case err != nil:
		return &Error{Message: fmt.Sprintf("options file: %v", err), Err: err}
	}
	return r.text(path, text, openToOthers)
}

// readInHome reads a file in a home directory. Both must belong to the effective user: otherwise the
// file may be a link, made by another user, to a file which that user must not read.
func (r *Reader) readInHome(home, path string) (text string, openToOthers bool, err error) {
	text, openToOthers, err = readFile(path, maxFile, ownedByUs)
	if err != nil {
		return "", false, err
	}
	stat, err := os.Stat(home)
	if err == nil {
		err = ownedByUs(stat)
	}
	if err != nil {
		return "", false, fmt.Errorf("%s: %w", home, err)
	}
	return text, openToOthers, nil
}

// File reads an options file. The error wraps fs.ErrNotExist only if this file does not exist, not if
// one that it includes does not.
func (r *Reader) File(path string) error {
	text, openToOthers, err := ReadFile(path, maxFile)
	if err != nil {
		return &Error{Message: fmt.Sprintf("options file: %v", err), Err: err}
	}
	return r.text(path, text, openToOthers)
}

// include reads a file that option call or file names.
func (r *Reader) include(at Word, path string) error {
	text, openToOthers, err := ReadFile(path, maxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errorAt(at, "%s: there is no file %s", at.Text, path)
	case err != nil:
		return errorAt(at, "%s: %v", at.Text, err)
	case r.depth >= maxDepth:
		return errorAt(at, "files are nested more than %d deep: is there a loop?", maxDepth)
	case r.files >= maxFiles:
		return errorAt(at, "more than %d files", maxFiles)
	}
	return r.text(path, text, openToOthers)
}

func (r *Reader) text(path, text string, openToOthers bool) error {
	lines, err := Lines(path, text)
	if err != nil {
		return err
	}
	defer func(depth int, openToOthers bool) { r.depth, r.openToOthers = depth, openToOthers }(r.depth, r.openToOthers)
	r.depth, r.openToOthers = r.depth+1, openToOthers
	r.files++
	return r.words(slices.Concat(lines...))
}

// call reads a peers file. Its name must not leave the directory (pppd(8)).
func (r *Reader) call(at Word, name string) error {
	if name == "" || strings.HasPrefix(name, "/") || slices.Contains(strings.Split(name, "/"), "..") {
		return errorAt(at, "call %q: a peer's name must not be empty, begin with / or contain ..", name)
	}
	r.Settings.Call = name
	return r.include(at, filepath.Join(r.dir(), "peers", name))
}

// CommandLine reads the words of a command line. An option may be in pppd's form (user NAME) or in
// GNU's (--user NAME, --user=NAME).
func (r *Reader) CommandLine(args []string) error {
	words := make([]Word, len(args))
	for i, a := range args {
		words[i].Text = a
	}
	r.first = true
	return r.words(words)
}

func (r *Reader) words(words []Word) (err error) {
	r.afterPassword = false
	defer func() { r.afterPassword = false }()
	for len(words) > 0 {
		if words, err = r.option(words); err != nil {
			return err
		}
	}
	return nil
}

// option reads the first option of a list of words, and returns the words after it.
func (r *Reader) option(words []Word) (rest []Word, err error) {
	at, rest := words[0], words[1:]
	defer func() { r.first, r.afterPlugin = false, byName[at.Text] != nil && byName[at.Text].name == "plugin" }()
	name, value, given, dashes := spelling(at)
	o := byName[name]
	switch {
	case o == nil && dashes:
		return nil, r.unknown(at)
	case o == nil:
		return rest, r.positional(at)
	}
	at.Text = name
	switch {
	case o.kind.arg == "" && given:
		return nil, errorAt(at, "option %q takes no value", name)
	case o.kind.arg == "" || given:
		return rest, r.apply(at, o, value)
	case len(rest) == 0:
		return nil, errorAt(at, "option %q needs a value: %s %s", name, name, o.kind.arg)
	}
	return rest[1:], r.apply(at, o, rest[0].Text)
}

// spelling splits --name=value, on a command line only: files are in pppd's form.
func spelling(w Word) (name, value string, given, dashes bool) {
	long, dashes := strings.CutPrefix(w.Text, "--")
	if !dashes || w.File != "" {
		return w.Text, "", false, false
	}
	name, value, given = strings.Cut(long, "=")
	return name, value, given, true
}

// apply applies an option.
func (r *Reader) apply(at Word, o *option, value string) error {
	r.afterPassword = o.name == "password"
	r.Settings.Parsed = append(r.Settings.Parsed, ParsedOption{Name: at.Text, Value: redact(o, value), Where: at.Where()})
	switch {
	case !o.allowed(r.Role):
		r.warn(at, "option %q has no effect on a %v", at.Text, r.Role)
		return nil
	case o.status == refused:
		return errorAt(at, "option %q is refused: %s", at.Text, o.helpFor(r.Role))
	case o.status == warned:
		r.warn(at, "option %q has no effect: %s", at.Text, o.helpFor(r.Role))
	}
	switch o.name {
	case "call":
		return r.call(at, value)
	case "file":
		return r.include(at, value)
	case "service":
		return r.service(at, value)
	case "password":
		r.warnPassword(at)
	case "noauth":
		r.warnNoauth(at)
	}
	if o.kind.set == nil {
		return nil
	}
	if err := o.kind.set(r.Settings, value); err != nil {
		return errorAt(at, "option %q: %q is not valid: %v", at.Text, value, err)
	}
	return nil
}

// warnPassword warns if other users can read a password.
func (r *Reader) warnPassword(at Word) {
	switch {
	case at.File == "":
		r.warn(at, "Warning - all users of this host can see a password on a command line until the program has started: prefer password-file or password-env")
	case r.openToOthers:
		r.warn(Word{}, "Warning - file %s holds a password and has world and/or group access: chmod 600 it", at.File)
	}
}

// warnNoauth warns of required methods that a later noauth removes, as in pppd.
func (r *Reader) warnNoauth(at Word) {
	if required := r.Settings.Require; len(required) > 0 {
		r.warn(at, "noauth undoes the require-%s before it", strings.Join(required, " and require-"))
	}
}

// warn adds a warning for the log, once.
func (r *Reader) warn(at Word, format string, args ...any) {
	text := prefix(at) + fmt.Sprintf(format, args...)
	if !slices.Contains(r.Settings.Warnings, text) {
		r.Settings.Warnings = append(r.Settings.Warnings, text)
	}
}
