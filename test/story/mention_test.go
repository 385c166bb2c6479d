package story

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mention matches one of our programs in a text, with what follows it in the same command.
var mention = regexp.MustCompile("(?:^|[ `$(/])(pppoe-client|pppoe-server|pppoe-discovery)((?: [^`|;&()<>\n]*)?)")

var longFlag = regexp.MustCompile(`(?:^| )(--[a-z][a-z0-9-]*)`)

// TestMentions: each program, subcommand and flag that README and pages name exists.
func TestMentions(t *testing.T) {
	bin := programs(t)
	files, _ := filepath.Glob(docs + "*.md")
	manuals := map[string]string{}
	for _, program := range []string{"pppoe-client", "pppoe-server", "pppoe-discovery"} {
		page, err := exec.Command(filepath.Join(bin, program), "--man").Output()
		if err != nil {
			t.Fatal(err)
		}
		manuals[program] = strings.NewReplacer(`\-`, "-", `\fB`, " ", `\fR`, " ", `\fP`, " ", `\&`, "").Replace(string(page))
	}
	for _, file := range append(files, root+"/README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mention.FindAllStringSubmatch(string(text), -1) {
			checkMention(t, filepath.Base(file), m[1], m[2], manuals[m[1]])
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
