package container

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	repository = "../.."
	dockerfile = repository + "/.docker/Dockerfile"
)

// image is what a Dockerfile makes.
type image struct {
	root       string // directory of its files
	entrypoint []string
}

// instruction is one line of a Dockerfile.
type instruction struct {
	word string // in capitals
	rest string
}

func (i instruction) String() string { return i.word + " " + i.rest }

// stages reads a Dockerfile: the instructions of each stage, of which FROM is the first.
func stages(text string) (all [][]instruction) {
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		i := instruction{strings.ToUpper(word), strings.TrimSpace(rest)}
		if i.word == "FROM" {
			all = append(all, nil)
		}
		if len(all) > 0 {
			all[len(all)-1] = append(all[len(all)-1], i)
		}
	}
	return all
}

// build makes the image in a directory, as the Dockerfile says: its programs are built
// by its own command, but here, and its files are those that it copies.
func build(dir string) (*image, error) {
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		return nil, err
	}
	all := stages(string(text))
	if len(all) != 2 || all[0][0].rest == "" || all[1][0].rest != "scratch" {
		return nil, fmt.Errorf("%s has not two stages, of which the last begins with nothing (FROM scratch)", dockerfile)
	}
	out, root := filepath.Join(dir, "out"), filepath.Join(dir, "root")
	if err := compile(all[0], out); err != nil {
		return nil, err
	}
	return assemble(all[1][1:], out, root)
}

// compile runs the first stage's command that fills /out.
func compile(stage []instruction, out string) error {
	for _, i := range stage {
		if i.word != "RUN" || !strings.Contains(i.rest, "-o /out/ ") {
			continue
		}
		cmd := exec.Command("sh", "-c", strings.Replace(i.rest, "/out/", out+"/", 1))
		cmd.Dir = repository
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", i, err, said)
		}
		return nil
	}
	return fmt.Errorf("%s has no RUN that fills /out/", dockerfile)
}

// assemble does what the last stage says.
func assemble(stage []instruction, out, root string) (*image, error) {
	m := &image{root: root}
	for _, i := range stage {
		switch {
		case i.word == "ENTRYPOINT":
			if err := json.Unmarshal([]byte(i.rest), &m.entrypoint); err != nil {
				return nil, fmt.Errorf("%v: %w", i, err)
			}
		case i.word == "COPY":
			if err := copyIn(i, out, root); err != nil {
				return nil, fmt.Errorf("%v: %w", i, err)
			}
		default:
			return nil, fmt.Errorf("%v: this test cannot do that", i)
		}
	}
	return m, nil
}

// copyIn does a COPY from the build.
func copyIn(i instruction, out, root string) error {
	args := strings.Fields(i.rest)
	if len(args) != 3 || args[0] != "--from=build" || !strings.HasPrefix(args[1], "/out/") || !strings.HasSuffix(args[2], "/") {
		return fmt.Errorf("write COPY --from=build /out/... .../")
	}
	from, to := filepath.Join(out, strings.TrimPrefix(args[1], "/out/")), filepath.Join(root, args[2])
	if !strings.HasSuffix(args[1], "/") {
		to = path.Join(to, path.Base(from))
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(to)), 0o755); err != nil {
		return err
	}
	said, err := exec.Command("cp", "-rT", from, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// TestBuildsWithTheModulesGo: the image of the compiler is of the version that go.mod
// asks for.
func TestBuildsWithTheModulesGo(t *testing.T) {
	text, err := os.ReadFile(dockerfile)
	check(t, err)
	mod, err := os.ReadFile(repository + "/go.mod")
	check(t, err)
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)
	if version == nil {
		t.Fatal("go.mod asks for no version of Go")
	}
	if got, want := stages(string(text))[0][0].rest, "golang:"+string(version[1])+" AS build"; got != want {
		t.Errorf("%s builds from %s, want %s", dockerfile, got, want)
	}
}
