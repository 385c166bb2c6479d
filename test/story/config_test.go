package story

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"upppoe/internal/config/serverconfig"
	"upppoe/test/pages"
)

// manual has all sections and keys.
const manual = root + "/cmd/pppoe-server/pppoe-server.8"

// TestConfigurations: the server's parser finds nothing wrong with the configurations in the pages, and sections and
// keys that they name exist.
func TestConfigurations(t *testing.T) {
	commands, err := pages.Commands(root, pages.Config)
	if err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		switch {
		case !c.Block:
			for _, missing := range missingKeys(strings.ReplaceAll(string(all), `\-`, "-"), c.Text) {
				t.Errorf("%v: the manual has no %s", c, missing)
			}
		default:
			if _, problems := serverconfig.Parse(c.File, complete(c.Text)); len(problems) > 0 {
				t.Errorf("%v: %v", c, problems)
			}
		}
	}
}

// complete adds an interface to a configuration that has none, as examples of one section are.
func complete(text string) string {
	if strings.Contains(text, "[[interface]]") {
		return text
	}
	return text + "\n[[interface]]\nname = \"eth1\"\n"
}

// missingKeys returns which sections and keys of a piece of a configuration, [section] key or key = value, the manual
// does not have.
func missingKeys(manual, piece string) (missing []string) {
	section, key, _ := strings.Cut(piece, "] ")
	if !strings.HasPrefix(piece, "[") {
		section, key = "", piece
	}
	if name := strings.Trim(section, "[]"); name != "" && !regexp.MustCompile(`(?m)^\.SS \[\[?`+name+`\]`).MatchString(manual) {
		missing = append(missing, "section "+name)
	}
	key, _, _ = strings.Cut(key, " = ")
	if key != "" && !strings.Contains(manual, "\n\\fB"+key+"\\fR") {
		missing = append(missing, "key "+key)
	}
	return missing
}

// TestMissingKeys: what does not exist is found.
func TestMissingKeys(t *testing.T) {
	const manual = ".SS [a]\n.TP\n\\fBb\\fR \\fIN\\fR\n.SS [[c]]\n"
	for piece, want := range map[string]string{"[a]": "", "[[c]]": "", "[a] b": "", "b = 2": "", "[d]": "section d", "[a] e": "key e", "f = 1": "key f"} {
		if got := strings.Join(missingKeys(manual, piece), " "); got != want {
			t.Errorf("%s: %q, want %q", piece, got, want)
		}
	}
}
