package ppp

import (
	"errors"
	"iter"
)

// Option is a configuration option (RFC 1661 section 6): a value, and a type that each
// protocol defines.
type Option struct {
	Type  uint8
	Value []byte
}

// AppendTo appends the option. A value longer than 253 octets does not fit the Length
// field and is truncated.
func (o Option) AppendTo(b []byte) []byte {
	value := o.Value[:min(len(o.Value), 0xff-2)]
	b = append(b, o.Type, byte(2+len(value)))
	return append(b, value...)
}

// Options is a list of options as encoded in a packet. Untrusted octets must be converted
// by ParseOptions, so that All can rely on every length.
type Options []byte

// ErrOptions reports a list with an option whose Length is below 2 or extends beyond the
// end.
var ErrOptions = errors.New("ppp: option's Length field below 2 or beyond the packet")

// ParseOptions checks every Length in a list. The result aliases b.
func ParseOptions(b []byte) (Options, error) {
	for rest := b; len(rest) > 0; {
		if len(rest) < 2 || rest[1] < 2 || int(rest[1]) > len(rest) {
			return nil, ErrOptions
		}
		rest = rest[rest[1]:]
	}
	return Options(b), nil
}

// All yields the options in order. Their values alias the list.
func (l Options) All() iter.Seq[Option] {
	return func(yield func(Option) bool) {
		for b := []byte(l); len(b) > 0; {
			n := int(b[1])
			if !yield(Option{Type: b[0], Value: b[2:n:n]}) {
				return
			}
			b = b[n:]
		}
	}
}

// Find returns the first option of a type.
func (l Options) Find(typ uint8) (Option, bool) {
	for o := range l.All() {
		if o.Type == typ {
			return o, true
		}
	}
	return Option{}, false
}

// HasDuplicates reports whether a type is in the list more than once. RFC 1661 section 6
// allows that only where the option's description does.
func (l Options) HasDuplicates() bool {
	var seen [256]bool
	for o := range l.All() {
		if seen[o.Type] {
			return true
		}
		seen[o.Type] = true
	}
	return false
}
