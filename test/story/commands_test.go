package story

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/test/pages"
)

// commandsOf is what a story that is the commands of a page begins with; the page follows.
const commandsOf = "commands of "

// TestCommands runs the commands in the text and in the tables of each page, beside a server and a client that are
// online. Each must succeed.
func TestCommands(t *testing.T) {
	roottest.Need(t, "bash", "ip", "ethtool", "tcpdump", "mandoc", "etcd", "radclient", "go")
	bin := programs(t)
	fetchModuleList(t)
	for _, page := range commandPages(t) {
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			runStory(t, bin, commandsOf+page)
		})
	}
}

// fetchModuleList fetches what go doc asks for of all modules: the commands have no network.
func fetchModuleList(t *testing.T) {
	t.Helper()
	cmd := exec.Command("go", "list", "-m", "all")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go list -m all: %v\n%s", err, out)
	}
}

// commandPages returns the pages that have commands for TestCommands.
func commandPages(t *testing.T) (files []string) {
	t.Helper()
	commands, err := pages.Commands(root, pages.Story)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		files = append(files, c.File)
	}
	return slices.Compact(files)
}

// runCommands runs the commands of a page, each once. A failure does not end the others.
func runCommands(t *testing.T, page string) {
	commands, err := pages.Commands(root, pages.Story)
	if err != nil {
		t.Fatal(err)
	}
	functions, err := os.ReadFile("testdata/stage.sh")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := shell(string(functions) + "set -e\nstage").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	done := map[string]bool{}
	for _, c := range commands {
		if c.File != page || done[c.Run] {
			continue
		}
		done[c.Run] = true
		if out, err := shell(string(functions) + "set -o pipefail\n" + c.Run).CombinedOutput(); err != nil {
			t.Errorf("%s\n%s\n%v\n%s", c, c.Run, err, out)
		}
	}
}
