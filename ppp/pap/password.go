package pap

import (
	"fmt"
	"io"
	"log/slog"
)

// hidden is printed instead of a password, as pppd does.
const hidden = "<hidden>"

// Password is a password that formatting, encoding and logging hide. To read it,
// convert it to []byte.
type Password []byte

var (
	_ fmt.Formatter  = Password(nil)
	_ slog.LogValuer = Password(nil)
)

// String hides the password.
func (Password) String() string { return hidden }

// GoString hides the password.
func (Password) GoString() string { return hidden }

// Format hides the password for every verb, including those for numbers.
func (Password) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, hidden) }

// MarshalText hides the password from encoders.
func (Password) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the password from log/slog.
func (Password) LogValue() slog.Value { return slog.StringValue(hidden) }
