// Package secrets reads chap-secrets and pap-secrets, as pppd(8) describes them
// under AUTHENTICATION: a client, a server, the secret they share, and the
// addresses that the client may have, on one line.
//
// Secrets must be written as they are: pppd's papcrypt, by which pap-secrets may
// hold hashes of crypt(3), is not supported, and the option is refused.
package secrets

import (
	"fmt"

	"upppoe/internal/pppd"
)

// Secret is a password. However it is printed, it is not shown.
type Secret = pppd.Secret

// Entry is what a file says of a client and a server.
type Entry struct {
	Secret    Secret
	Addresses Addresses
	Options   []pppd.Word // pppd's, for this client alone; not looked at here
}

// File is a secrets file, indexed by client. It does not change once loaded, and may be used
// concurrently.
type File struct {
	clients map[string][]row
}

// row is a line of the file.
type row struct {
	server string
	rank   int
	broken bool // it cannot be understood, and lets nobody in
	Entry
}

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
// there, and a *pppd.Error if a quote in it has no end: then no line after it
// can be told, and the whole file is worth nothing.
//
// A file that is changed must be loaded again, also for the sake of the files that
// its secrets are read from.
func Load(path string) (*File, []string, error) {
	text, shared, err := pppd.ReadFile(path, maxFile)
	if err != nil {
		return nil, nil, err
	}
	f, warnings, err := Parse(path, text)
	if shared {
		warnings = append([]string{access(path)}, warnings...)
	}
	return f, warnings, err
}

func access(path string) string {
	return fmt.Sprintf("Warning - secret file %s has world and/or group access", path)
}

// Parse reads the text of a file, and those files that secrets in it are read
// from. A line that cannot be understood opens no door: neither itself, nor one
// with wildcards to the client it names.
func Parse(path, text string) (*File, []string, error) {
	lines, err := pppd.Lines(path, text)
	if err != nil {
		return nil, nil, err
	}
	f := &File{clients: make(map[string][]row, len(lines))}
	var warnings []string
	for _, line := range lines {
		client, r, said := parseLine(line)
		for _, s := range said {
			warnings = append(warnings, line[0].Where()+": "+s)
		}
		f.clients[client] = append(f.clients[client], r)
	}
	return f, warnings, nil
}

// Lookup finds the entry for a client and a server: of those that match, the one with
// the fewest wildcards, a client's own before a server's own, and of equals the
// first. Names are case-sensitive. A server name that is not known is empty, and
// matches any.
//
// That a name is not known must not show in the time an answer takes: compare the
// proof of such a client too, with the empty Entry's secret, and then refuse it.
func (f *File) Lookup(client, server string) (Entry, bool) {
	var best *row
	for _, name := range [...]string{client, wildcard} {
		rows := f.clients[name]
		for i := range rows {
			if r := &rows[i]; r.matches(server) && r.better(best) {
				best = r
			}
		}
	}
	if best == nil || best.broken {
		return Entry{}, false
	}
	return best.Entry, true
}

func (r *row) matches(server string) bool {
	return r.server == wildcard || r.server == server || server == ""
}

func (r *row) better(than *row) bool {
	return than == nil || r.rank > than.rank || r.rank == than.rank && than.broken && !r.broken
}
