package serverconfig

// key is a row of the table of keys: a key of a section that sets a part of E.
type key[E any] struct {
	name string
	// stands are the flags of rp-pppoe (-L, --vlan) and the options of pppd for which the key stands,
	// separated by spaces. A test enumerates theirs, so that none is forgotten.
	stands string
	help   string
	field[E]
}

// field is what a key sets.
type field[E any] interface {
	// set parses a value.
	set(*E, value) error
	// text returns the value as TOML; empty: it is not set.
	text(*E) string
	// describe returns the name of the value, what is valid, and whether it is a secret.
	describe() (arg, want string, secret bool)
	// copy stores the value of another E, in the form that reading it would store.
	copy(to, from *E)
}

// fixedField is a field that a running server cannot change.
type fixedField[E any] struct{ field[E] }

func fixed[E any](f field[E]) field[E] { return fixedField[E]{f} }

// isFixed reports whether a change needs an upgrade or a restart.
func (k key[E]) isFixed() bool {
	_, is := k.field.(fixedField[E])
	return is
}

// explanation returns the help, and whether a reload is enough for a change.
func (k key[E]) explanation() string {
	if k.isFixed() {
		return k.help + " A change needs an upgrade or a restart."
	}
	return k.help
}

// bound is a field of a kind.
type bound[E, T any] struct {
	kind[T]
	get func(*E) T
	put func(*E, T)
}

func (b bound[E, T]) set(e *E, v value) error {
	t, err := b.parse(v)
	if err == nil {
		b.put(e, t)
	}
	return err
}

func (b bound[E, T]) text(e *E) string                { return b.kind.text(b.get(e)) }
func (b bound[E, T]) describe() (_, _ string, _ bool) { return b.arg, b.want, b.secret }
func (b bound[E, T]) copy(to, from *E)                { b.put(to, b.get(from)) }

// at is a field that is stored as it is read.
func at[E, T any](k kind[T], ref func(*E) *T) field[E] {
	return bound[E, T]{k, func(e *E) T { return *ref(e) }, func(e *E, t T) { *ref(e) = t }}
}

// atDefault is at for a number or time whose zero value is stored instead of its default.
func atDefault[E any, T comparable](k kind[T], ref func(*E) *T, usual T) field[E] {
	var zero T
	return bound[E, T]{k,
		func(e *E) T {
			if t := *ref(e); t != zero {
				return t
			}
			return usual
		},
		func(e *E, t T) {
			if t == usual {
				t = zero
			}
			*ref(e) = t
		}}
}

// through is a field that functions get and set.
func through[E, T any](k kind[T], get func(*E) T, put func(*E, T)) field[E] {
	return bound[E, T]{k, get, put}
}
