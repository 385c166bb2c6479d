// Package secrets reads chap-secrets and pap-secrets (pppd(8), AUTHENTICATION). Each line holds a
// client, a server, the secret that they share, and the addresses that the client may use. The package
// authenticates nobody: see packages aaa, chap and pap.
//
// Secrets must be plain text: hashes of crypt(3) (pppd's option papcrypt) are not supported, and the
// option is refused.
package secrets

import (
	"errors"
	"fmt"
	"strings"

	"upppoe/internal/config/pppd"
	"upppoe/internal/keyed"
)

// Secret is a password. Printing it in any format hides it.
type Secret = pppd.Secret

// Entry is the account that Lookup finds for a client and a server.
type Entry struct {
	Secret    Secret
	Addresses Addresses
	Options   []pppd.Word // pppd options for this client alone; not parsed here
}

// File is a secrets file, indexed by client. It is immutable, except that secrets in separate files
// (@/FILE) are read at each Lookup. It may be used concurrently.
type File struct {
	path    string
	clients keyed.Table[string, *row] // the last of each client's rows
	decoy   string                    // a file that holds some secret; empty: there is none. See Lookup
}

// row is one line of the file. There may be a hundred thousand.
type row struct {
	client, secret string
	before         *row // the client's one before it; nil: none
	addresses      *Addresses
	rare           *rareParts
	line           int32
	rank           uint8
	malformed      bool // it cannot be parsed, and rejects all logins
}

// rareParts is what few lines have; the others share usual.
type rareParts struct {
	server  string
	file    string // that holds the secret; empty: the row has it
	options []pppd.Word
}

var usual = rareParts{server: wildcard}

// TableKey returns the key of File.clients.
func (r *row) TableKey() string { return r.client }

// entry returns the account of a row, without a secret that is in a file.
func (r *row) entry() Entry { return Entry{Secret(r.secret), *r.addresses, r.rare.options} }

// where returns FILE:LINE of a row.
func (f *File) where(r *row) string { return pppd.Word{File: f.path, Line: int(r.line)}.Where() }

// Errors of Lookup.
var (
	ErrUnknown   = errors.New("unknown user")
	ErrMalformed = errors.New("the line of this account is malformed")
)

// Ranks of a match, which add up: pppd prefers a line that names the client to one that names the
// server.
const (
	ownServer = 1
	ownClient = 2
)

// wildcard matches every client, or server.
const wildcard = "*"

// maxFile is the maximum size of a file, in octets: 100,000 accounts take a tenth of it.
const maxFile = 64 << 20

// Load reads and parses a file. Warnings, for the log, name lines that are ignored and files to which
// others have access. The error is fs.ErrNotExist if the file does not exist. A file that has changed
// must be loaded again; files that hold single secrets are read at each Lookup.
func Load(path string) (*File, []Notice, error) {
	text, openToOthers, err := pppd.ReadFile(path, maxFile)
	if err != nil {
		return nil, nil, err
	}
	f, warnings := Parse(path, text)
	if openToOthers {
		warnings = append([]Notice{{File: path, Text: accessWarning(path), Harmless: true}}, warnings...)
	}
	return f, warnings, nil
}

// Notice is a warning about a file, for the log.
type Notice struct {
	File     string
	Line     int // 0: the file as a whole, which Text names
	Text     string
	Harmless bool // it rejects no login
}

// String returns the notice after its place.
func (n Notice) String() string {
	if n.Line == 0 {
		return n.Text
	}
	return pppd.Word{File: n.File, Line: n.Line}.Where() + ": " + n.Text
}

// Entries are all entries that can be used, each with its place and client, in no order.
func (f *File) Entries(yield func(client pppd.Word, e Entry) bool) {
	for r := range f.usable {
		if !yield(pppd.Word{Text: r.client, File: f.path, Line: int(r.line)}, r.entry()) {
			return
		}
	}
}

// usable yields the lines that can be used, in no order.
func (f *File) usable(yield func(*row) bool) {
	for r := range f.clients.All() {
		for ; r != nil; r = r.before {
			if !r.malformed && !yield(r) {
				return
			}
		}
	}
}

// accessPrefix begins pppd's warning about the permissions of a file.
const accessPrefix = "Warning - "

func accessWarning(path string) string {
	return fmt.Sprintf(accessPrefix+"secret file %s has world and/or group access", path)
}

// Parse parses the text of a file. A malformed line, as one with an unclosed quote, affects that entry
// alone: Lookup returns ErrMalformed for it, and no line with wildcards applies to its client instead.
func Parse(path, text string) (f *File, warnings []Notice) {
	lines := pppd.Entries(path, text)
	f = &File{path: path}
	rows := make([]row, len(lines))
	for i, line := range lines {
		r := &rows[i]
		for _, s := range r.parseLine(line) {
			warnings = append(warnings, Notice{File: path, Line: int(r.line), Text: s, Harmless: strings.HasPrefix(s, accessPrefix)})
		}
		if r.rare.file != "" {
			f.decoy = r.rare.file
		}
	}
	joinText(rows)
	for i := range rows {
		r := &rows[i]
		r.before = f.clients.Get(r.client)
		f.clients.Put(r)
	}
	return f, warnings
}

// joinText makes the names and secrets of rows parts of one string: an allocation for each would take
// more than twice the memory.
func joinText(rows []row) {
	var all strings.Builder
	for i := range rows {
		all.WriteString(rows[i].client)
		all.WriteString(rows[i].secret)
	}
	rest := strings.Clone(all.String())
	for i := range rows {
		r := &rows[i]
		r.client, rest = rest[:len(r.client)], rest[len(r.client):]
		r.secret, rest = rest[:len(r.secret)], rest[len(r.secret):]
	}
}

// Lookup returns the entry for a client and a server: of those that match, the one with the fewest
// wildcards; a line that names the client before one that names the server; of equals the first. Names
// are case-sensitive. An empty server matches any.
//
// The time of a login must not reveal whether a name is known: verify the response of an unknown
// client too, with the empty Entry's secret, and then reject it. If any secret is in a separate file,
// every Lookup reads one such file. The error, for the log, is ErrUnknown, wraps ErrMalformed, or says
// why the secret cannot be read.
func (f *File) Lookup(client, server string) (Entry, error) {
	return f.lookup(f.find(server, client, wildcard))
}

// LookupNamed is Lookup without lines whose client is a wildcard.
func (f *File) LookupNamed(client, server string) (Entry, error) {
	if client == wildcard {
		return f.lookup(nil)
	}
	return f.lookup(f.find(server, client))
}

func (f *File) lookup(best *row) (Entry, error) {
	if best == nil || best.rare.file == "" {
		if f.decoy != "" {
			readSecret(f.decoy)
		}
	}
	switch {
	case best == nil:
		return Entry{}, ErrUnknown
	case best.malformed:
		return Entry{}, fmt.Errorf("%s: %w", f.where(best), ErrMalformed)
	case best.rare.file == "":
		return best.entry(), nil
	}
	e := best.entry()
	var err error
	if e.Secret, _, err = readSecret(best.rare.file); err != nil {
		return Entry{}, fmt.Errorf("%s: %w", f.where(best), err)
	}
	return e, nil
}

// HasClient reports whether a line names a client, other than by a wildcard.
func (f *File) HasClient(client string) bool {
	return client != wildcard && f.clients.Get(client) != nil
}

// find returns the best row of some clients for a server; nil if there is none.
func (f *File) find(server string, clients ...string) (best *row) {
	for _, name := range clients {
		for r := f.clients.Get(name); r != nil; r = r.before {
			if r.matches(server) && r.better(best) {
				best = r
			}
		}
	}
	return best
}

func (r *row) matches(server string) bool {
	return r.rare.server == wildcard || r.rare.server == server || server == ""
}

// better reports whether a row is better than another that is not before it in the file.
func (r *row) better(than *row) bool {
	return than == nil || r.rank > than.rank || r.rank == than.rank && (than.malformed || !r.malformed)
}
