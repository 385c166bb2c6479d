// Package secrets reads chap-secrets and pap-secrets, as pppd(8) describes them
// under AUTHENTICATION: a client, a server, the secret they share, and the
// addresses that the client may have, on one line.
package secrets

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"upppoe/internal/pppd"
)

// Secret is a password. However it is printed, it is not shown.
type Secret []byte

// String hides the secret.
func (Secret) String() string { return "<hidden>" }

// GoString hides the secret.
func (Secret) GoString() string { return "<hidden>" }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue("<hidden>") }

// Entry is what a file says of a client and a server.
type Entry struct {
	Secret    Secret
	Addresses Addresses
	wildcards int
	line      int
}

// File is a secrets file, indexed by client. It does not change once loaded, and may be used
// concurrently.
type File struct {
	clients map[string][]row
}

// row is a line of the file.
type row struct {
	server string
	Entry
}

// maxFile bounds what is read of a file, in octets: some 100,000 accounts are a
// tenth of it.
const maxFile = 64 << 20

// Load reads a file. Warnings, fit for a log, are of lines that are left out and
// of a file that others can read; a line that cannot be understood opens no door.
func Load(path string) (*File, []string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, nil, fmt.Errorf("%s: not a secrets file: it must be a plain file of at most %d octets", path, maxFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	var warnings []string
	if info.Mode().Perm()&0o077 != 0 {
		warnings = append(warnings, fmt.Sprintf("Warning - secret file %s has world and/or group access", path))
	}
	f, more, err := Parse(path, string(text))
	return f, append(warnings, more...), err
}

// Parse reads the text of a file.
func Parse(path, text string) (*File, []string, error) {
	lines, err := pppd.Lines(path, text)
	if err != nil {
		return nil, nil, err
	}
	f := &File{clients: make(map[string][]row)}
	var warnings []string
	for _, line := range lines {
		client, r, err := parseLine(line)
		if err != nil {
			warnings = append(warnings, fmt.Sprintf("%s: line left out: %v", line[0].Where(), err))
			continue
		}
		f.clients[client] = append(f.clients[client], r)
	}
	return f, warnings, nil
}

func parseLine(line []pppd.Word) (client string, r row, err error) {
	if len(line) < 3 {
		return "", row{}, fmt.Errorf("it needs a client, a server and a secret")
	}
	client, r.server, r.line = line[0].Text, line[1].Text, line[2].Line
	for _, name := range []string{client, r.server} {
		if name == wildcard {
			r.wildcards++
		}
	}
	if r.Secret, err = readSecret(line[2].Text); err != nil {
		return "", row{}, err
	}
	for _, w := range line[3:] {
		if w.Text == "--" {
			break // pppd(8): what follows are options, which are not read here
		}
		if err := r.Addresses.add(w.Text); err != nil {
			return "", row{}, err
		}
	}
	return client, r, nil
}

// readSecret follows @FILE to the file's first line (pppd(8)).
func readSecret(word string) (Secret, error) {
	path, indirect := strings.CutPrefix(word, "@")
	if !indirect || path == "" {
		return Secret(word), nil
	}
	return FirstLine(path)
}

// FirstLine reads a password that is the first line of a file.
func FirstLine(path string) (Secret, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > 1<<16 {
		return nil, fmt.Errorf("%s: not a file whose first line is a password", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return Secret(strings.TrimSuffix(line, "\r")), nil
}

// wildcard stands in a file for every client, or server.
const wildcard = "*"

// Lookup finds the entry for a client and a server: of those that match, the one with
// the fewest wildcards, and of these the first. Names are case-sensitive. A
// server name that is not known is empty, and matches any.
func (f *File) Lookup(client, server string) (Entry, bool) {
	best, found := Entry{}, false
	for _, name := range []string{client, wildcard} {
		for _, r := range f.clients[name] {
			if r.server != wildcard && r.server != server && server != "" {
				continue
			}
			if !found || r.wildcards < best.wildcards {
				best, found = r.Entry, true
			}
		}
		if client == wildcard {
			break
		}
	}
	return best, found
}
