package pppd

// SecretPart is a part of a command line that nobody else should see.
type SecretPart struct {
	Word int // its index
	From int // the octet that it begins with
}

// SecretParts are the passwords of a command line. Words are read as CommandLine does, but
// nothing is opened, so that they can be hidden before anything else is done.
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
