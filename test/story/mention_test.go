package story

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"upppoe/test/lab"
)

// mention matches one of our programs in a text, with what follows it in the same command.
var mention = regexp.MustCompile("(?:^|[ `$(/])(pppoe-client|pppoe-server|pppoe-discovery)((?: [^`|;&()<>\n]*)?)")

// goCommand matches a command of Go with a package of ours, and what follows it.
var goCommand = regexp.MustCompile("go (run|test) (\\./[^ `\n]*)([^`\n|]*)")

var longFlag = regexp.MustCompile(`(?:^| )(--[a-z][a-z0-9-]*)`)

// TestMentions: each program, subcommand and flag that README and pages name exists, and so do the packages,
// tests and benchmarks.
func TestMentions(t *testing.T) {
	bin := t.TempDir()
	if err := lab.Build("../..", bin, "./cmd/pppoe-client", "./cmd/pppoe-server", "./cmd/pppoe-discovery"); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(pages + "*.md")
	manuals := map[string]string{}
	for _, program := range []string{"pppoe-client", "pppoe-server", "pppoe-discovery"} {
		page, err := exec.Command(filepath.Join(bin, program), "--man").Output()
		if err != nil {
			t.Fatal(err)
		}
		manuals[program] = strings.NewReplacer(`\-`, "-", `\fB`, " ", `\fR`, " ", `\fP`, " ", `\&`, "").Replace(string(page))
	}
	for _, file := range append(files, "../../README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mention.FindAllStringSubmatch(string(text), -1) {
			checkMention(t, filepath.Base(file), m[1], m[2], manuals[m[1]])
		}
		for _, m := range goCommand.FindAllStringSubmatch(string(text), -1) {
			checkGoCommand(t, filepath.Base(file), m[1], m[2], m[3])
		}
	}
}

// checkMention checks the flags, and the subcommand, of a mentioned command.
func checkMention(t *testing.T, file, program, rest, manual string) {
	t.Helper()
	words := strings.Fields(rest)
	for _, m := range longFlag.FindAllStringSubmatch(rest, -1) {
		if !regexp.MustCompile(regexp.QuoteMeta(m[1]) + `(?:[^a-z0-9-]|$)`).MatchString(manual) {
			t.Errorf("%s: %s%s: the manual page has no %s", file, program, rest, m[1])
		}
	}
	if len(words) > 0 && regexp.MustCompile(`^[a-z][a-z-]+$`).MatchString(words[0]) && !strings.Contains(manual, words[0]) {
		t.Errorf("%s: %s%s: the manual page has no %s", file, program, rest, words[0])
	}
}

// checkGoCommand checks packages, tests, benchmarks and fuzz targets of a command of Go.
func checkGoCommand(t *testing.T, file, verb, packages, rest string) {
	t.Helper()
	words := append([]string{packages}, strings.Fields(rest)...)
	sources := ""
	for i, word := range words {
		if !strings.HasPrefix(word, "./") {
			break
		}
		if strings.HasSuffix(word, "...") {
			continue
		}
		goFiles, _ := filepath.Glob(filepath.Join("../..", word, "*.go"))
		if len(goFiles) == 0 {
			t.Errorf("%s: go %s %s: there is no such package", file, verb, strings.Join(words[:i+1], " "))
		}
		for _, f := range goFiles {
			text, _ := os.ReadFile(f)
			sources += string(text)
		}
	}
	for _, kind := range [][2]string{{"-bench", "Benchmark"}, {"-run", "Test"}, {"-fuzz", "Fuzz"}} {
		at := slices.Index(words, kind[0])
		if at < 0 || at+1 == len(words) || sources == "" {
			continue
		}
		name := strings.Trim(words[at+1], "'^$")
		if name != "" && name != "." && !regexp.MustCompile(`func \w*`+strings.TrimPrefix(name, kind[1])).MatchString(sources) {
			t.Errorf("%s: go %s %s: there is no %s that is called %s", file, verb, strings.Join(words, " "), kind[1], name)
		}
	}
}
