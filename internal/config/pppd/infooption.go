package pppd

// InfoOption is what a command line asks about the program, in place of telling it what to do.
type InfoOption uint8

// Questions.
const (
	NoInfo InfoOption = iota
	InfoHelp
	InfoVersion
	InfoManual
)

// infoOptions are the words for them, pppd's and everybody else's.
var infoOptions = map[string]InfoOption{
	"-h": InfoHelp, "--help": InfoHelp, "-v": InfoVersion, "--version": InfoVersion, "--man": InfoManual,
}

// FindInfoOption returns the first question of a command line. The value of an option is never one,
// whatever it looks like: a name or a password may begin with a dash.
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
