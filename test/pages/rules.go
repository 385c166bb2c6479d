package pages

import (
	"fmt"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"sync"
)

// The packages whose tests run commands of pages.
const (
	Story    = "test/story" // beside a server and a client that are online
	Page     = "test/story: the page from its first to its last line"
	Sources  = "test/story: names of packages, tests and benchmarks" // .ci/run runs all tests and benchmarks
	Import   = "test/story: a module of its own"
	CoA      = "test/story: with the address of a page that is run"
	Debian   = "test/packages"                                // on Debian systems that are booted
	Load     = "test/load"                                    // of small size
	Datapath = "test/bench/datapath"                          // its options are parsed
	Demo     = "test/demo"                                    // its options are parsed
	Config   = "test/story: as a configuration of the server" // as a configuration
	FRR      = "test/failover"                                // with FRR
	// No test: what follows is the reason.
	NoCommand = "no command: "
	NotRun    = "not run: "
)

// A rule says what of the pages is run where.
type rule struct {
	where string
	files string // pattern of path.Match for files; empty: all
	// code is a regular expression that all of the code matches.
	code string
	run  string // what is run, with {} for the code; empty: the code
}

// Command is code that a test runs.
type Command struct {
	Code
	Where string
	Run   string // as a shell command
}

func (c Command) String() string { return fmt.Sprintf("%s:%d: %s", c.File, c.Line, c.Text) }

// Words returns the words of the command, as a shell makes them.
func (c Command) Words() ([]string, error) {
	out, err := exec.Command("sh", "-c", `printf '%s\0' `+c.Run).Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %w", c, err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"), nil
}

// Commands returns what the tests of a package run.
func Commands(root, where string) (all []Command, err error) {
	codes, err := Read(root)
	if err != nil {
		return nil, err
	}
	for _, c := range codes {
		if _, command, ok := classify(c); ok && command.Where == where {
			all = append(all, command)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the pages have no commands for %s", where)
	}
	return all, nil
}

// classify returns the number of the first rule for a piece of code, and what is run.
func classify(c Code) (number int, command Command, ok bool) {
	for i, r := range rules {
		if r.matches(c, patterns()[i]) {
			run := c.Text
			if r.run != "" {
				run = strings.ReplaceAll(r.run, "{}", c.Text)
			}
			return i, Command{Code: c, Where: r.where, Run: run}, true
		}
	}
	return 0, Command{}, false
}

// patterns are those of rules, compiled.
var patterns = sync.OnceValue(func() (all []*regexp.Regexp) {
	for _, r := range rules {
		all = append(all, regexp.MustCompile(`(?s)\A(?:`+r.code+`)\z`))
	}
	return all
})

func (r rule) matches(c Code, pattern *regexp.Regexp) bool {
	if r.files != "" {
		if ok, err := path.Match(r.files, c.File); err != nil || !ok {
			return false
		}
	}
	text := c.Text
	if c.Block {
		text = "block " + c.Language + "\n" + text
	}
	return pattern.MatchString(text)
}
