package pppd

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a password. Printing, logging or encoding hides it; only a conversion to []byte or string
// returns it.
type Secret []byte

const hidden = "<hidden>"

var (
	_ fmt.Formatter  = Secret(nil)
	_ slog.LogValuer = Secret(nil)
)

// Format hides the secret from every verb of package fmt.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// String hides the secret.
func (Secret) String() string { return hidden }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the secret in encodings such as JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
