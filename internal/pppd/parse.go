package pppd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"upppoe/ppp/ipv6cp"
)

// Reader reads options into Settings: files, and a command line after them.
type Reader struct {
	Role     Role
	Settings *Settings
	// Dir is where peers lie, and options: default /etc/ppp.
	Dir   string
	depth int
}

// maxDepth bounds files that name files.
const maxDepth = 8

func (r *Reader) dir() string {
	if r.Dir == "" {
		return "/etc/ppp"
	}
	return r.Dir
}

// Defaults reads the options file of all, and the user's own, if they are there
// (pppd(8): /etc/ppp/options, ~/.ppprc).
func (r *Reader) Defaults(home string) error {
	files := []string{filepath.Join(r.dir(), "options")}
	if home != "" {
		files = append(files, filepath.Join(home, ".ppprc"))
	}
	for _, file := range files {
		if err := r.File(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// File reads a file of options. The error is an *Error, or says why the file
// cannot be read.
func (r *Reader) File(path string) error {
	return r.file(Word{}, path)
}

func (r *Reader) file(at Word, path string) error {
	if r.depth++; r.depth > maxDepth {
		return fault(at, "files name each other, %d deep: is there a loop?", maxDepth)
	}
	defer func() { r.depth-- }()
	text, err := read(path)
	if err != nil {
		return err
	}
	lines, err := Lines(path, text)
	if err != nil {
		return err
	}
	if err := r.words(slices.Concat(lines...)); err != nil {
		return err
	}
	r.checkSecrecy(path)
	return nil
}

func read(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return "", fmt.Errorf("%s: not a file of options: it must be a plain file of at most %d octets", path, maxFile)
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// checkSecrecy warns of a password that others can read.
func (r *Reader) checkSecrecy(path string) {
	if info, err := os.Stat(path); err == nil && r.Settings.HasPassword && info.Mode().Perm()&0o077 != 0 {
		r.notice(fmt.Sprintf("Warning - file %s holds a password and has world and/or group access: chmod 600 it", path))
	}
}

func (r *Reader) notice(text string) {
	if !slices.Contains(r.Settings.Notices, text) {
		r.Settings.Notices = append(r.Settings.Notices, text)
	}
}

// CommandLine reads words of a command line. An option may be spelled as pppd
// does (user NAME) or as everybody else does (--user NAME, --user=NAME).
func (r *Reader) CommandLine(args []string) error {
	var words []Word
	for _, a := range args {
		if name, ok := strings.CutPrefix(a, "--"); ok && name != "" {
			name, value, given := strings.Cut(name, "=")
			words = append(words, Word{Text: name})
			if given {
				words = append(words, Word{Text: value})
			}
			continue
		}
		words = append(words, Word{Text: a})
	}
	return r.words(words)
}

func (r *Reader) words(words []Word) error {
	for len(words) > 0 {
		used, err := r.option(words)
		if err != nil {
			return err
		}
		words = words[used:]
	}
	return nil
}

// option reads the option that begins a list of words, and says how many words
// it took.
func (r *Reader) option(words []Word) (used int, err error) {
	at := words[0]
	o, ok := find(at.Text)
	if !ok {
		return 1, r.bare(at)
	}
	n := o.arguments()
	if len(words) <= n {
		return 0, fault(at, "option %q needs %s", o.name, o.args)
	}
	if !o.allowed(r.Role) {
		return 0, fault(at, "option %q is not for a %s", o.name, map[Role]string{Client: "client", Server: "server"}[r.Role])
	}
	args := make([]string, n)
	for i := range args {
		args[i] = words[1+i].Text
	}
	return 1 + n, r.apply(at, o, args)
}

func (r *Reader) apply(at Word, o option, args []string) error {
	switch {
	case o.status == refused:
		return fault(at, "option %q is refused: %s", o.name, o.help)
	case o.status == later:
		r.notice(fmt.Sprintf("%s: option %q has no effect: %s", at.Where(), o.name, o.help))
		return nil
	case o.status == ignored:
		return nil
	case o.name == "call":
		return r.call(at, args[0])
	case o.name == "file":
		return r.file(at, args[0])
	}
	if err := o.setting(r.Settings, args); err != nil {
		return fault(at, "option %q: %q is no good: %v", o.name, args[0], err)
	}
	return nil
}

// call reads a peers file. pppd(8): a name may not leave the directory.
func (r *Reader) call(at Word, name string) error {
	if name == "" || strings.HasPrefix(name, "/") || slices.Contains(strings.Split(name, "/"), "..") {
		return fault(at, "call %q: a peer's name may not be empty, begin with / or contain ..", name)
	}
	r.Settings.Call = name
	path := filepath.Join(r.dir(), "peers", name)
	if err := r.file(at, path); errors.Is(err, fs.ErrNotExist) {
		return fault(at, "call %s: there is no file %s", name, path)
	} else if err != nil {
		return err
	}
	return nil
}

// bare reads a word that is no option's name: a pair of addresses, or the name of
// the interface.
func (r *Reader) bare(at Word) error {
	word := at.Text
	if strings.Contains(word, ":") {
		return r.addresses(at)
	}
	name, nic := strings.CutPrefix(word, "nic-")
	if r.Role == Client && (nic || isInterface(name)) {
		r.Settings.Interface = name
		return nil
	}
	return fault(at, "unknown option %q%s", word, suggestion(word, r.Role))
}

// isInterface says whether a word can be the name of an interface that is there:
// otherwise it is more likely an option that somebody misspelt.
func isInterface(name string) bool {
	if name == "" || strings.ContainsAny(name, "/ ") {
		return false
	}
	_, err := net.InterfaceByName(name)
	return err == nil
}

func (r *Reader) addresses(at Word) error {
	local, remote, _ := strings.Cut(at.Text, ":")
	for _, side := range []struct {
		text string
		to   *netip.Addr
	}{{local, &r.Settings.Local}, {remote, &r.Settings.Remote}} {
		if side.text == "" {
			continue
		}
		a, err := netip.ParseAddr(side.text)
		if err != nil || !a.Is4() {
			return fault(at, "%q is no pair of IPv4 addresses like 192.0.2.1:192.0.2.10", at.Text)
		}
		*side.to = a
	}
	return nil
}

func find(name string) (option, bool) {
	for _, o := range table {
		if o.name == name && name != "nic-IF" && name != "LOCAL:REMOTE" {
			return o, true
		}
	}
	return option{}, false
}

// service sets the Service-Name; the long word is pppd's own for leaving the tag
// out.
func service(s *Settings, args []string) error {
	if args[0] == "NO-SERVICE-NAME-NON-RFC-COMPLIANT" {
		s.Service, s.OmitService = "", true
		return nil
	}
	s.Service, s.OmitService = args[0], false
	return nil
}

func plugin(s *Settings, args []string) error {
	switch filepath.Base(args[0]) {
	case "pppoe.so", "rp-pppoe.so":
		s.Plugin = true
		return nil
	}
	return expected("only pppoe.so and rp-pppoe.so can be named, and are built in")
}

// identifiers reads a pair of interface identifiers, each written as an address
// whose first half is zero.
func identifiers(s *Settings, args []string) error {
	local, remote, _ := strings.Cut(args[0], ",")
	for _, side := range []struct {
		text string
		to   *ipv6cp.ID
	}{{local, &s.LocalID}, {remote, &s.RemoteID}} {
		if side.text == "" {
			continue
		}
		a, err := netip.ParseAddr(side.text)
		if err != nil || !a.Is6() || binary.BigEndian.Uint64(a.AsSlice()) != 0 {
			return expected("give interface identifiers like ::1,::2")
		}
		*side.to = ipv6cp.ID(a.AsSlice()[8:])
	}
	return nil
}
