package secrets

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"upppoe/internal/config/pppd"
)

var errShort = errors.New("a client, a server and a secret are required")

// parseLine parses one line. The warnings are for the log: they contain no word that could be a part
// of the secret.
func (r *row) parseLine(e pppd.Entry) (warnings []string) {
	line := e.Words
	*r = row{client: line[0].Text, addresses: &noAddress, rare: &usual, line: int32(line[0].Line)}
	if r.client != wildcard {
		r.rank += ownClient
	}
	if e.Err != nil {
		r.rank, r.malformed = r.rank+ownServer, true
		return []string{ignoredLine(errors.New(e.Err.(*pppd.Error).Message))}
	}
	if len(line) < 3 {
		// Its server is unknown, so the line applies to all.
		r.rank, r.malformed = r.rank+ownServer, true
		return []string{ignoredLine(errShort)}
	}
	rare := rareParts{server: line[1].Text, options: options(line[3:])}
	if rare.server != wildcard {
		r.rank += ownServer
	}
	addresses, err := parseAddresses(line[3:])
	if err != nil {
		r.rare, r.malformed = &rareParts{server: rare.server}, true
		return []string{ignoredLine(err)}
	}
	r.addresses = addresses.shared()
	path, named := strings.CutPrefix(line[2].Text, "@/")
	if named {
		rare.file = "/" + path
	} else {
		r.secret = line[2].Text
	}
	if named || rare.options != nil || rare.server != wildcard {
		r.rare = &rare
	}
	if named {
		return r.checkFile()
	}
	return nil
}

// checkFile returns warnings about the file of a secret. A bad file does not make the row malformed:
// it is read again at each login and may be repaired meanwhile.
func (r *row) checkFile() (warnings []string) {
	_, openToOthers, err := readSecret(r.rare.file)
	if openToOthers {
		warnings = append(warnings, accessWarning(r.rare.file))
	}
	if err != nil {
		warnings = append(warnings, "all logins with this line are rejected: "+err.Error())
	}
	return warnings
}

func ignoredLine(err error) string { return "line ignored: " + err.Error() }

// optionsFollow separates a client's own pppd options from its addresses (pppd(8)).
const optionsFollow = "--"

func options(words []pppd.Word) []pppd.Word {
	i := slices.IndexFunc(words, func(w pppd.Word) bool { return w.Text == optionsFollow })
	if i < 0 {
		return nil
	}
	return words[i+1:]
}

// readLine is firstLine. A test replaces it to count reads.
var readLine = firstLine

// readSecret reads the file that @/FILE names: its first line is the secret (pppd(8)).
func readSecret(path string) (s Secret, openToOthers bool, err error) {
	s, openToOthers, err = readLine(path)
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		err = fmt.Errorf("secret file: %w", at.Err) // without the name, which may be a secret that begins with @/
	}
	return s, openToOthers, err
}

// PasswordFromFile returns the first line of a file. It is an error if that line is empty. The
// warning, for the log, is not empty if others than the owner have access to the file.
func PasswordFromFile(path string) (s Secret, warning string, err error) {
	s, openToOthers, err := firstLine(path)
	if openToOthers {
		warning = accessWarning(path)
	}
	return s, warning, err
}

// PasswordFromFD returns the first line that it reads from a file descriptor, and closes the
// descriptor, so that scripts do not inherit it. It blocks until a line or the end of the input.
func PasswordFromFD(fd int) (Secret, error) {
	f := os.NewFile(uintptr(fd), fmt.Sprintf("descriptor %d", fd))
	if f == nil {
		return nil, fmt.Errorf("descriptor %d cannot be read", fd)
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, 1<<16)).ReadString('\n')
	if err != nil && err != io.EOF {
		return nil, err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return nil, fmt.Errorf("descriptor %d: %w", fd, errEmpty)
	}
	return Secret(line), nil
}

var errEmpty = errors.New("the first line is empty: it must be the password")

func firstLine(path string) (s Secret, openToOthers bool, err error) {
	text, openToOthers, err := pppd.ReadFile(path, 1<<16)
	if err != nil {
		return nil, openToOthers, err
	}
	line, _, _ := strings.Cut(text, "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return nil, openToOthers, &fs.PathError{Op: "read", Path: path, Err: errEmpty}
	}
	return Secret(line), openToOthers, nil
}
