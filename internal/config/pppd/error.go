package pppd

import "fmt"

// Error is a fault of a configuration: a word that means nothing, a value out of
// range, a file that cannot be read. The program should end with exit code 2.
type Error struct {
	At      Word // where; the zero Word: on the command line
	Message string
	Err     error // what lies beneath, or nil
}

// Error begins with file and line, if it is of a file.
func (e *Error) Error() string { return prefix(e.At) + e.Message }

// Unwrap returns what lies beneath.
func (e *Error) Unwrap() error { return e.Err }

func errorAt(at Word, format string, args ...any) error {
	return &Error{At: at, Message: fmt.Sprintf(format, args...)}
}

// prefix is what a message of a word begins with.
func prefix(at Word) string {
	if at.File == "" {
		return ""
	}
	return at.Where() + ": "
}
