package secrets

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"upppoe/internal/pppd"
)

var errShort = errors.New("it needs a client, a server and a secret")

// parseLine reads one line. What is said of it is for the log: it names no word that
// could be a part of the secret.
func parseLine(line []pppd.Word) (client string, r row, said []string) {
	client, r.server = line[0].Text, wildcard
	if client != wildcard {
		r.rank += ownClient
	}
	if len(line) < 3 {
		// Of which server it was to be is uncertain, so it is of all.
		r.rank, r.broken = r.rank+ownServer, true
		return client, r, []string{leftOut(errShort)}
	}
	if r.server = line[1].Text; r.server != wildcard {
		r.rank += ownServer
	}
	var err error
	if r.Secret, said, err = readSecret(line[2].Text); err == nil {
		r.Addresses, err = parseAddresses(line[3:])
	}
	if err != nil {
		r.Entry, r.broken = Entry{}, true
		said = append(said, leftOut(err))
	} else {
		r.Options = options(line[3:])
	}
	return client, r, said
}

func leftOut(err error) string { return "line left out: " + err.Error() }

// optionsFollow stands before options of pppd for one client (pppd(8)).
const optionsFollow = "--"

func options(words []pppd.Word) []pppd.Word {
	i := slices.IndexFunc(words, func(w pppd.Word) bool { return w.Text == optionsFollow })
	if i < 0 {
		return nil
	}
	return words[i+1:]
}

// readSecret follows @/FILE to the file's first line (pppd(8)).
func readSecret(word string) (s Secret, said []string, err error) {
	if !strings.HasPrefix(word, "@/") {
		return Secret(word), nil, nil
	}
	path := word[1:]
	s, shared, err := firstLine(path)
	if shared {
		said = append(said, access(path))
	}
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		err = fmt.Errorf("the file of its secret: %w", at.Err) // a name may be a secret that begins with @/
	}
	return s, said, err
}

// FirstLine reads a password that is the first line of a file. It is an error if
// that line is empty.
func FirstLine(path string) (Secret, error) {
	s, _, err := firstLine(path)
	return s, err
}

var errEmpty = errors.New("the first line, which should be a password, is empty")

func firstLine(path string) (s Secret, shared bool, err error) {
	text, shared, err := pppd.ReadFile(path, 1<<16)
	if err != nil {
		return nil, shared, err
	}
	line, _, _ := strings.Cut(text, "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return nil, shared, &fs.PathError{Op: "read", Path: path, Err: errEmpty}
	}
	return Secret(line), shared, nil
}
