package pppd

// InfoOption is an option that makes a program print information about itself and exit.
type InfoOption uint8

// Informational options.
const (
	NoInfo InfoOption = iota
	InfoHelp
	InfoVersion
	InfoManual
)

// infoOptions has pppd's names and the usual ones.
var infoOptions = map[string]InfoOption{
	"-h": InfoHelp, "--help": InfoHelp, "-v": InfoVersion, "--version": InfoVersion, "--man": InfoManual,
}

// FindInfoOption returns the first informational option of a command line. It skips values of options:
// a name or a password may begin with a dash.
func FindInfoOption(args []string) InfoOption {
	for len(args) > 0 {
		if q := infoOptions[args[0]]; q != NoInfo {
			return q
		}
		name, _, given, _ := spelling(Word{Text: args[0]})
		args = args[1:]
		if o := byName[name]; o != nil && o.kind.arg != "" && !given && len(args) > 0 {
			args = args[1:]
		}
	}
	return NoInfo
}
