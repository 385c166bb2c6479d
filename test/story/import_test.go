package story

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/test/pages"
)

// command returns the only command of the pages that a test runs.
func command(t *testing.T, where string) pages.Command {
	t.Helper()
	commands, err := pages.Commands(root, where)
	if err != nil {
		t.Fatal(err)
	}
	if len(commands) != 1 {
		t.Fatalf("%s: the pages have %v", where, commands)
	}
	return commands[0]
}

// TestImport: a module beside a clone of ours imports it as README says.
func TestImport(t *testing.T) {
	roottest.NeedPrograms(t, "go", "bash")
	dir := t.TempDir()
	clone, err := filepath.Abs(root)
	if err == nil {
		err = os.Symlink(clone, filepath.Join(dir, "upppoe"))
	}
	module := filepath.Join(dir, "mine")
	for name, text := range map[string]string{
		"go.mod":  "module mine\n\ngo 1.26.0\n",
		"mine.go": "package mine\n\nimport \"upppoe/pppoe\"\n\nvar Client pppoe.Client\n",
	} {
		if err == nil {
			err = os.MkdirAll(module, 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(module, name), []byte(text), 0o644)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-ec", command(t, pages.Import).Run+"go build")
	cmd.Dir = module
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestCoA: the commands of README that change and end a session are those of the page about a first BNG, which is run,
// but for the address.
func TestCoA(t *testing.T) {
	page, err := os.ReadFile(docs + "first-bng.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(strings.ReplaceAll(command(t, pages.CoA).Run, "192.0.2.1", "127.0.0.1")) {
		if !strings.Contains(string(page), "\n$ "+line) {
			t.Errorf("first-bng.md does not have %s", line)
		}
	}
}
