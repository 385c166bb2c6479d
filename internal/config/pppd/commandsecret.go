package pppd

// SecretPart is a part of a command line that must be hidden from other users.
type SecretPart struct {
	Word int // its index
	From int // the index of its first octet
}

// SecretParts returns the passwords of a command line. It reads words as CommandLine does but opens no
// file, so that a program can hide them before it does anything else.
func SecretParts(args []string) (parts []SecretPart) {
	for i := 0; i < len(args); i++ {
		name, value, given, _ := spelling(Word{Text: args[i]})
		o := byName[name]
		switch {
		case o == nil || o.kind.arg == "":
		case given:
			if isSecret(o) {
				parts = append(parts, SecretPart{i, len(args[i]) - len(value)})
			}
		default:
			i++
			if isSecret(o) && i < len(args) {
				parts = append(parts, SecretPart{i, 0})
			}
		}
	}
	return parts
}

// isSecret reports whether an option's value is a password.
func isSecret(o *option) bool { return o.name == "password" }
