package pppd

// Question is what a command line asks about the program, in place of telling it what to do.
type Question uint8

// Questions.
const (
	NoQuestion Question = iota
	AsksHelp
	AsksVersion
	AsksManual
)

// questions are the words for them, pppd's and everybody else's.
var questions = map[string]Question{
	"-h": AsksHelp, "--help": AsksHelp, "-v": AsksVersion, "--version": AsksVersion, "--man": AsksManual,
}

// Asked returns the first question of a command line. The value of an option is never one,
// whatever it looks like: a name or a password may begin with a dash.
func Asked(args []string) Question {
	for len(args) > 0 {
		if q := questions[args[0]]; q != NoQuestion {
			return q
		}
		name, _, given, _ := spelling(Word{Text: args[0]})
		args = args[1:]
		if o := byName[name]; o != nil && o.kind.arg != "" && !given && len(args) > 0 {
			args = args[1:]
		}
	}
	return NoQuestion
}
