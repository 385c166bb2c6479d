package pages

import (
	"fmt"
	"os"
	"slices"
	"testing"
)

const root = "../.."

// TestClassified: a rule says of each piece of code what it is, and each rule is for some.
func TestClassified(t *testing.T) {
	codes, err := Read(root)
	if err != nil {
		t.Fatal(err)
	}
	used := make([]bool, len(rules))
	for _, c := range codes {
		i, command, ok := classify(c)
		if !ok {
			t.Errorf("%s:%d: %q: say in rules.go which test runs it, or why none does", c.File, c.Line, c.Text)
			continue
		}
		used[i] = true
		if os.Getenv("DUMP") != "" {
			fmt.Printf("%s\t%s\t%q\n", command.Where, command, command.Run)
		}
	}
	for i, r := range rules {
		if !used[i] {
			t.Errorf("the rule for %q in %q matches no code", r.code, r.files)
		}
	}
}

// TestParse: blocks, indented blocks and spans are found, with lines and headings, and comments are not.
func TestParse(t *testing.T) {
	const page = "# Title\n`a b` and `c`\n\n```sh\nd\n\n    e\n```\n<!--\n`no`\n```\n-->\n## Next\n\n    f\n      g\n\n- h\n    `i`\n\n    go test x \\\n        -y\n    go run z\n\n"
	want := []Code{
		{"f.md", 2, "Title", false, "", "a b"},
		{"f.md", 2, "Title", false, "", "c"},
		{"f.md", 4, "Title", true, "sh", "d\n\n    e\n"},
		{"f.md", 15, "Next", true, "", "f\n  g\n"},
		{"f.md", 19, "Next", false, "", "i"},
		{"f.md", 21, "Next", false, "", "go test x -y"},
		{"f.md", 21, "Next", false, "", "go run z"},
	}
	if got := parse("f.md", page); !slices.Equal(got, want) {
		t.Errorf("%v\nwant\n%v", got, want)
	}
}
