package pppd

import "fmt"

// Error is an error of the configuration: an unknown option, a value out of range, a file that cannot
// be read. The program should end with exit code 2.
type Error struct {
	At      Word // its place; the zero Word: the command line
	Message string
	Err     error // the cause, or nil
}

// Error returns the message, after file and line if it is about a file.
func (e *Error) Error() string { return prefix(e.At) + e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func errorAt(at Word, format string, args ...any) error {
	return &Error{At: at, Message: fmt.Sprintf(format, args...)}
}

// prefix returns FILE:LINE and a colon for a word; empty for the command line.
func prefix(at Word) string {
	if at.File == "" {
		return ""
	}
	return at.Where() + ": "
}
