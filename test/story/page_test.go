package story

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"upppoe/internal/roottest"
)

// docs is the directory of the pages.
const docs = root + "/.github/docs/"

// TestPages runs the commands of each page, with the files that it shows, and compares their output.
func TestPages(t *testing.T) {
	roottest.Need(t, "bash", "ip", "ping", "curl", "freeradius", "radclient")
	bin := programs(t)
	files, err := filepath.Glob(docs + "*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no pages: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if script := pageStory(string(text)); script != "" {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".md"), func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "page.txt")
				if err := os.WriteFile(path, []byte(script), 0o644); err != nil {
					t.Fatal(err)
				}
				runStory(t, bin, path)
			})
		}
	}
}

// fence matches a fenced block of Markdown, its language and text; or a comment, whose commands prepare the
// machine.
var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$|^<!--\n(.*?)^-->$")

// file matches the first line of a block that is a file.
var file = regexp.MustCompile(`\A# (/etc/\S+?)(:.*)?\n`)

// pageStory returns a page's console blocks as a story, with its files; empty: there is no console block.
// In the output of a page, … stands for any text of a line.
func pageStory(page string) string {
	var story strings.Builder
	runs := false
	for _, block := range fence.FindAllStringSubmatch(page, -1) {
		language, text := block[1], block[2]
		switch m := file.FindStringSubmatch(text); {
		case block[3] != "":
			story.WriteString(block[3])
		case language == "console":
			runs = true
			story.WriteString(outputMarks(text))
		case m != nil && strings.Contains(m[2], "before what is there"):
			fmt.Fprintf(&story, "$ cat - %[1]s << 'EOF' > %[1]s.new && cat %[1]s.new > %[1]s\n%[2]sEOF\n", m[1], text)
		case m != nil:
			fmt.Fprintf(&story, "$ cat << 'EOF' > %s\n%sEOF\n", m[1], text)
		}
	}
	if !runs {
		return ""
	}
	return story.String()
}

// outputMarks replaces … in lines that are no commands.
func outputMarks(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "$ ") {
			lines[i] = strings.ReplaceAll(line, "…", "«.*»")
		}
	}
	return strings.Join(lines, "")
}

// TestPageStory: commands, output and files are found.
func TestPageStory(t *testing.T) {
	const page = "# Title\n\n```sh\nnot run\n```\n```toml\n# /etc/a.toml\nb = 1\n```\n```\n# /etc/c: before what is there\nd\n```\n```\ne\n```\n```console\n$ f …\ng … h\n```\n"
	want := "$ cat << 'EOF' > /etc/a.toml\n# /etc/a.toml\nb = 1\nEOF\n" +
		"$ cat - /etc/c << 'EOF' > /etc/c.new && cat /etc/c.new > /etc/c\n# /etc/c: before what is there\nd\nEOF\n" +
		"$ f …\ng «.*» h\n"
	if got := pageStory(page); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := pageStory("```sh\nls\n```\n"); got != "" {
		t.Errorf("without a console block: %s", got)
	}
}
