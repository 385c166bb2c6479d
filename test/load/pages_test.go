package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
	"upppoe/test/pages"
)

// TestPages runs the commands of the documentation, with few sessions and for a short time.
func TestPages(t *testing.T) {
	roottest.Need(t, "bash", "freeradius")
	bin := t.TempDir()
	if err := lab.Build("../..", bin, "./test/load", "./cmd/pppoe-server"); err != nil {
		t.Fatal(err)
	}
	commands, err := pages.Commands("../..", pages.Load)
	if err != nil {
		t.Fatal(err)
	}
	done := map[string]bool{}
	for _, c := range commands {
		line := small(c.Run, bin)
		if done[line] {
			continue
		}
		done[line] = true
		t.Run(filepath.Base(c.File)+" "+c.Text, func(t *testing.T) {
			t.Parallel() // they mostly wait
			if out, err := exec.Command("bash", "-c", line).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s\n%v\n%s", c, line, err, out)
			}
		})
	}
}

// small returns a command for programs that are built, with other values of the flags that decide how long it
// takes: of a flag that is repeated the last one counts. A command for an interface is not run: its flags are parsed.
func small(command, bin string) string {
	line := strings.NewReplacer("sudo ", "", "… ", "", "go run ./test/load", filepath.Join(bin, "load")).Replace(command)
	if !strings.Contains(line, "--self") {
		return line + " --help"
	}
	line += " -n 5 --server " + filepath.Join(bin, "pppoe-server")
	for _, smaller := range [][2]string{{"--flood", "--flood-rate 1000"}, {"--kill", "--kill 100ms"}, {"--upgrade", "--upgrade 100ms"}, {"--hold", "--hold 500ms"}} {
		if strings.Contains(line, smaller[0]+" ") {
			line += " " + smaller[1]
		}
	}
	return line
}
