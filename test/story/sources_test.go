package story

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"upppoe/test/pages"
)

// TestSources: the packages, tests, benchmarks and flags of Go's commands in the pages exist. Running all of them
// takes half an hour; .ci/run does.
func TestSources(t *testing.T) {
	commands, err := pages.Commands(root, pages.Sources)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		words, err := c.Words()
		if err != nil {
			t.Fatal(err)
		}
		for _, missing := range missingOf(t, words[2:]) { // after go test, go run
			t.Errorf("%v: there is no %s", c, missing)
		}
	}
}

// TestSourcesFindsMissing: what does not exist is found.
func TestSourcesFindsMissing(t *testing.T) {
	for command, want := range map[string]string{
		"./test/none":                                 "package ./test/none",
		"./lcp -run TestNothing":                      "Test TestNothing",
		"./test/load -bench SetUp|None":               "Benchmark None",
		"./test/failover -run ManySessions -nosuch 5": "flag -nosuch",
		"./test/failover -sessions 5000 -v":           "",
		"./none/...":                                  "package ./none/...",
	} {
		if got := strings.Join(missingOf(t, strings.Fields(command)), ", "); got != want {
			t.Errorf("%s: missing is %q, want %q", command, got, want)
		}
	}
}

// named are the flags of go test whose values are names, and what a name begins with.
var named = map[string]string{"-bench": "Benchmark", "-run": "Test", "-fuzz": "Fuzz"}

// known are other flags of go test.
var known = regexp.MustCompile(`^-(v|benchmem|benchtime|fuzztime|count|race)$`)

// missingOf returns what the arguments of go test or go run name that does not exist.
func missingOf(t *testing.T, words []string) (missing []string) {
	t.Helper()
	sources := ""
	for _, word := range words {
		if strings.HasPrefix(word, "./") {
			text := sourcesOf(t, word)
			if text == "" {
				missing = append(missing, "package "+word)
			}
			sources += text
		}
	}
	for i, word := range words {
		switch kind, ok := named[word]; {
		case ok && i+1 < len(words):
			missing = append(missing, missingNames(sources, kind, words[i+1])...)
		case !ok && strings.HasPrefix(word, "-") && word != "-" && !known.MatchString(word) && !hasFlag(sources, word[1:]):
			missing = append(missing, "flag "+word)
		}
	}
	return missing
}

// hasFlag reports whether sources define a flag.
func hasFlag(sources, name string) bool {
	return regexp.MustCompile(`flag\.\w+\((&[\w.]+, )?"` + regexp.QuoteMeta(name) + `"`).MatchString(sources)
}

// missingNames returns the alternatives of a pattern of go test that no function has in its name.
func missingNames(sources, kind, pattern string) (missing []string) {
	for name := range strings.SplitSeq(strings.Trim(pattern, "^$"), "|") {
		if name == "" || name == "." || name == "-" {
			continue
		}
		if !regexp.MustCompile(`func ` + kind + `\w*` + strings.TrimPrefix(name, kind)).MatchString(sources) {
			missing = append(missing, kind+" "+name)
		}
	}
	return missing
}

// sourcesOf returns the text of the package, or of those below it (./cmd/...); empty: there is none.
func sourcesOf(t *testing.T, name string) string {
	t.Helper()
	var all strings.Builder
	dir, below := strings.CutSuffix(name, "...")
	dir = filepath.Join(root, dir)
	patterns := []string{"*.go"}
	if below {
		patterns = append(patterns, "*/*.go", "*/*/*.go", "*/*/*/*.go")
	}
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String()
}
