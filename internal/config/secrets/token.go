package secrets

import (
	"fmt"
	"io/fs"
)

// MinToken is the least length of a token. An attacker who tries tokens is not slowed down, as that would keep out
// those who have it: it must be too long to be guessed.
const MinToken = 16

// TokenFromFile returns the first line of a file, which lets its owner in. It is an error if that is shorter
// than MinToken, or if others than the owner of the file have access to it.
func TokenFromFile(path string) (Secret, error) {
	s, openToOthers, err := firstLine(path)
	switch {
	case err != nil:
		return nil, err
	case openToOthers:
		err = openToOthersError(path)
	case len(s) < MinToken:
		err = fmt.Errorf("its first line, the token, has %d characters: %d are needed", len(s), MinToken)
	default:
		return s, nil
	}
	return nil, &fs.PathError{Op: "read", Path: path, Err: err}
}

// openToOthersError says that others than its owner have access to a file with a secret.
func openToOthersError(path string) error {
	return fmt.Errorf("others than its owner have access to it: chmod 600 %s", path)
}
