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
	clients map[string]*row // the last of the client's rows
	decoy   string          // a file that holds some secret; empty: there is none. See Lookup
}

// row is one line of the file. There may be a hundred thousand.
type row struct {
	before    *row // the client's one before it; nil: none
	line      int
	rank      uint8
	malformed bool // it cannot be parsed, and rejects all logins
	server    string
	file      string // that holds the secret; empty: Entry has it
	Entry
}

// where returns FILE:LINE of a row.
func (f *File) where(r *row) string { return pppd.Word{File: f.path, Line: r.line}.Where() }

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

// Entries are all entries that can be used, by client, in no order.
func (f *File) Entries(yield func(client string, e Entry) bool) {
	for client, r := range f.clients {
		for ; r != nil; r = r.before {
			if !r.malformed && !yield(client, r.Entry) {
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
	f = &File{path: path, clients: make(map[string]*row, len(lines))}
	for _, line := range lines {
		client, r, said := parseLine(line)
		for _, s := range said {
			warnings = append(warnings, Notice{File: path, Line: r.line, Text: s, Harmless: strings.HasPrefix(s, accessPrefix)})
		}
		if r.file != "" {
			f.decoy = r.file
		}
		r.before, f.clients[client] = f.clients[client], r
	}
	return f, warnings
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
	if best == nil || best.file == "" {
		if f.decoy != "" {
			readSecret(f.decoy)
		}
	}
	switch {
	case best == nil:
		return Entry{}, ErrUnknown
	case best.malformed:
		return Entry{}, fmt.Errorf("%s: %w", f.where(best), ErrMalformed)
	case best.file == "":
		return best.Entry, nil
	}
	e := best.Entry
	var err error
	if e.Secret, _, err = readSecret(best.file); err != nil {
		return Entry{}, fmt.Errorf("%s: %w", f.where(best), err)
	}
	return e, nil
}

// HasClient reports whether a line names a client, other than by a wildcard.
func (f *File) HasClient(client string) bool { return client != wildcard && f.clients[client] != nil }

// find returns the best row of some clients for a server; nil if there is none.
func (f *File) find(server string, clients ...string) (best *row) {
	for _, name := range clients {
		for r := f.clients[name]; r != nil; r = r.before {
			if r.matches(server) && r.better(best) {
				best = r
			}
		}
	}
	return best
}

func (r *row) matches(server string) bool {
	return r.server == wildcard || r.server == server || server == ""
}

// better reports whether a row is better than another that is not before it in the file.
func (r *row) better(than *row) bool {
	return than == nil || r.rank > than.rank || r.rank == than.rank && (than.malformed || !r.malformed)
}
