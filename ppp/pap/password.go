package pap

import (
	"fmt"
	"io"
	"log/slog"
)

// hidden is what stands for a password wherever one would be printed: pppd's
// word for it.
const hidden = "<hidden>"

// Password is a password that no formatting, encoding or logging shows. Whoever
// must have it converts it to []byte.
type Password []byte

var (
	_ fmt.Formatter  = Password(nil)
	_ slog.LogValuer = Password(nil)
)

// String hides the password.
func (Password) String() string { return hidden }

// GoString hides the password.
func (Password) GoString() string { return hidden }

// Format hides the password from every verb, those for numbers included.
func (Password) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, hidden) }

// MarshalText hides the password from encoders.
func (Password) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the password from log/slog.
func (Password) LogValue() slog.Value { return slog.StringValue(hidden) }
