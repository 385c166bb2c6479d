// Package secrets reads chap-secrets and pap-secrets, as pppd(8) describes them
// under AUTHENTICATION: a client, a server, the secret they share, and the
// addresses that the client may have, on one line.
//
// Secrets must be written as they are: pppd's papcrypt, by which pap-secrets may
// hold hashes of crypt(3), is not supported, and the option is refused.
package secrets

import (
	"errors"
	"fmt"

	"upppoe/internal/config/pppd"
)

// Secret is a password. However it is printed, it is not shown.
type Secret = pppd.Secret

// Entry is what a file says of a client and a server.
type Entry struct {
	Secret    Secret
	Addresses Addresses
	Options   []pppd.Word // pppd's, for this client alone; not looked at here
}

// File is a secrets file, indexed by client. It does not change once loaded, but for the files
// that its secrets are read from. It may be used concurrently.
type File struct {
	clients map[string][]row
	decoy   string // a file that some secret is read from; empty: there is none
}

// row is a line of the file.
type row struct {
	where     string // FILE:LINE
	server    string
	rank      int
	malformed bool   // it cannot be understood, and lets nobody in
	file      string // that the secret is read from; empty: it is here
	Entry
}

// Why Lookup finds no entry.
var (
	ErrUnknown   = errors.New("unknown user")
	ErrMalformed = errors.New("the line of this account cannot be understood")
)

// Ranks of a match, which add up: pppd takes a client's own line before a
// server's own.
const (
	ownServer = 1
	ownClient = 2
)

// wildcard stands in a file for every client, or server.
const wildcard = "*"

// maxFile bounds what is read of a file, in octets: 100,000 accounts are a
// tenth of it.
const maxFile = 64 << 20

// Load reads a file. Warnings, fit for a log, are of lines that are left out and
// of files that others can read. The error is fs.ErrNotExist if the file is not
// there. A file that is changed must be loaded again; those that its secrets are read
// from are read at each Lookup.
func Load(path string) (*File, []string, error) {
	text, shared, err := pppd.ReadFile(path, maxFile)
	if err != nil {
		return nil, nil, err
	}
	f, warnings := Parse(path, text)
	if shared {
		warnings = append([]string{accessWarning(path)}, warnings...)
	}
	return f, warnings, nil
}

func accessWarning(path string) string {
	return fmt.Sprintf("Warning - secret file %s has world and/or group access", path)
}

// Parse reads the text of a file. A line that cannot be understood, as for a quote without its
// end, costs that entry alone, and lets nobody in: neither by itself, nor the client that it
// names by a line with wildcards.
func Parse(path, text string) (f *File, warnings []string) {
	lines := pppd.Entries(path, text)
	f = &File{clients: make(map[string][]row, len(lines))}
	for _, line := range lines {
		client, r, said := parseLine(line)
		for _, s := range said {
			warnings = append(warnings, r.where+": "+s)
		}
		if r.file != "" {
			f.decoy = r.file
		}
		f.clients[client] = append(f.clients[client], r)
	}
	return f, warnings
}

// Lookup finds the entry for a client and a server: of those that match, the one with
// the fewest wildcards, a client's own before a server's own, and of equals the
// first. Names are case-sensitive. A server name that is not known is empty, and
// matches any.
//
// That a name is not known must not show in the time an answer takes: compare the
// proof of such a client too, with the empty Entry's secret, and then refuse it. If any
// secret is in a file of its own, one such file is read for each Lookup. The error, fit for a
// log, is ErrUnknown, wraps ErrMalformed, or says why the secret cannot be read.
func (f *File) Lookup(client, server string) (Entry, error) {
	return f.lookup(f.find(server, client, wildcard))
}

// LookupNamed is Lookup for a client that must be named itself: what is for all clients is no secret of
// its own.
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
		return Entry{}, fmt.Errorf("%s: %w", best.where, ErrMalformed)
	case best.file == "":
		return best.Entry, nil
	}
	e := best.Entry
	var err error
	if e.Secret, _, err = readSecret(best.file); err != nil {
		return Entry{}, fmt.Errorf("%s: %w", best.where, err)
	}
	return e, nil
}

// HasClient reports whether a line names a client itself, and not by a wildcard.
func (f *File) HasClient(client string) bool { return client != wildcard && len(f.clients[client]) > 0 }

// find is the best row of some clients for a server; nil: there is none.
func (f *File) find(server string, clients ...string) (best *row) {
	for _, name := range clients {
		rows := f.clients[name]
		for i := range rows {
			if r := &rows[i]; r.matches(server) && r.better(best) {
				best = r
			}
		}
	}
	return best
}

func (r *row) matches(server string) bool {
	return r.server == wildcard || r.server == server || server == ""
}

func (r *row) better(than *row) bool {
	return than == nil || r.rank > than.rank || r.rank == than.rank && than.malformed && !r.malformed
}
