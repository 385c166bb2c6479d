package serverconfig

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kind is a kind of value: how it is parsed from TOML and written as such.
type kind[T any] struct {
	arg   string                   // its name in the manual
	want  string                   // what is valid, with an example; it follows "give"
	parse func(v value) (T, error) // errInvalid, or an error that says what is wrong
	text  func(T) string           // as TOML; empty: the key is not set
	// secret: messages do not show the value.
	secret bool
}

// errInvalid is the error for a value of which there is nothing to say but what is valid.
var errInvalid = errors.New("not valid")

// asText makes a kind of what a function parses from a string.
func asText[T any](arg, want string, parse func(string) (T, error), text func(T) string) kind[T] {
	return kind[T]{arg: arg, want: want,
		parse: func(v value) (T, error) {
			if s, ok := v.data.(string); ok {
				return parse(s)
			}
			var none T
			return none, errInvalid
		},
		text: func(t T) string {
			if s := text(t); s != "" {
				return quote(s)
			}
			return ""
		},
	}
}

// quote returns a string as TOML.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// boolean is true or false.
var boolean = kind[bool]{"true|false", "true or false, without quotes",
	func(v value) (bool, error) {
		b, ok := v.data.(bool)
		if !ok {
			return false, errInvalid
		}
		return b, nil
	}, strconv.FormatBool, false}

// number is a whole number within bounds.
func number(low, high int, example string) kind[int] {
	return kind[int]{"N", fmt.Sprintf("a whole number from %d to %d, like %s", low, high, example),
		func(v value) (int, error) {
			n, ok := v.data.(int64)
			if !ok || n < int64(low) || n > int64(high) {
				return 0, errInvalid
			}
			return int(n), nil
		}, strconv.Itoa, false}
}

// optional is a kind whose zero value is not written.
func optional[T comparable](k kind[T]) kind[T] {
	text := k.text
	k.text = func(t T) string {
		if t == *new(T) {
			return ""
		}
		return text(t)
	}
	return k
}

// str is a string that check accepts, or any if check is nil.
func str(arg, want string, check func(string) error) kind[string] {
	return asText(arg, want, func(s string) (string, error) {
		if check != nil {
			return s, check(s)
		}
		return s, nil
	}, func(s string) string { return s })
}

// path is the path of a file or directory.
func path(example string) kind[string] {
	return str("PATH", fmt.Sprintf("an absolute path like %q", example), func(s string) error {
		if !strings.HasPrefix(s, "/") || strings.ContainsRune(s, 0) {
			return errInvalid
		}
		return nil
	})
}

// duration is a time of whole units of at least step, from low on.
func duration(low, step time.Duration, example string) kind[time.Duration] {
	const high = (1<<31 - 1) * time.Second
	return kind[time.Duration]{"TIME", fmt.Sprintf("a time like %q, or whole seconds", example),
		func(v value) (time.Duration, error) {
			var d time.Duration
			switch is := v.data.(type) {
			case string:
				parsed, err := time.ParseDuration(is)
				if err != nil {
					return 0, errInvalid
				}
				d = parsed
			case int64:
				d = time.Duration(min(max(is, -1), int64(high/time.Second)+1)) * time.Second
			default:
				return 0, errInvalid
			}
			switch {
			case d < low:
				return 0, fmt.Errorf("less than %s", durationText(low))
			case d > high || d%step != 0:
				return 0, fmt.Errorf("not a multiple of %s of at most 68 years", durationText(step))
			}
			return d, nil
		}, func(d time.Duration) string { return quote(durationText(d)) }, false}
}

// durationText returns a time without the zero units that String has.
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// oneOf is one of some names.
func oneOf[T comparable](arg string, names []string, values ...T) kind[T] {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quote(n)
	}
	last := len(names) - 1
	return asText(arg, strings.Join(quoted[:last], ", ")+" or "+quoted[last], func(s string) (T, error) {
		if i := slices.Index(names, s); i >= 0 {
			return values[i], nil
		}
		return values[0], errInvalid
	}, func(t T) string {
		if i := slices.Index(values, t); i >= 0 {
			return names[i]
		}
		return ""
	})
}

// list is a list of values of a kind.
func list[T any](of kind[T], want string) kind[[]T] {
	return kind[[]T]{"[" + of.arg + ", ...]", want,
		func(v value) (all []T, err error) {
			items, ok := v.data.([]value)
			if !ok {
				return nil, errInvalid
			}
			for _, item := range items {
				t, err := of.parse(item)
				if err != nil {
					return nil, itemError{item, err, of.want}
				}
				all = append(all, t)
			}
			return all, nil
		},
		func(all []T) string {
			texts := make([]string, len(all))
			for i, t := range all {
				texts[i] = of.text(t)
			}
			return "[" + strings.Join(texts, ", ") + "]"
		}, of.secret}
}

// itemError is the error of one item of a list.
type itemError struct {
	item value
	err  error
	want string
}

func (e itemError) Error() string { return e.item.String() + " is " + e.err.Error() }
