package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	repository = "../.."
	dockerfile = repository + "/.docker/Dockerfile"
)

// image is the result of a Dockerfile.
type image struct {
	root       string // directory of its files
	entrypoint []string
	env        []string
	packages   []string // to install, which this test does not do
}

// command returns what an engine starts for a container of the image.
func (m *image) command(args ...string) []string {
	return append(m.entrypoint[:len(m.entrypoint):len(m.entrypoint)], args...)
}

// instruction is one line of a Dockerfile.
type instruction struct {
	word string // in capitals
	rest string
}

func (i instruction) String() string { return i.word + " " + i.rest }

// stages parses a Dockerfile: the instructions of each stage, of which FROM is the first.
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

// buildStage is the stage of the Dockerfile in which the programs are compiled.
const buildStage = "build"

// read reads the Dockerfile and returns its stages by name. The last one, which is built by
// default, has none.
func read() (map[string][]instruction, error) {
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		return nil, err
	}
	byName := map[string][]instruction{}
	for _, stage := range stages(string(text)) {
		_, name, _ := strings.Cut(stage[0].rest, " AS ")
		byName[name] = stage
	}
	return byName, nil
}

// compile runs the commands of the first stage that write to /out, on this machine.
func compile(stage []instruction, out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, i := range stage {
		if i.word != "RUN" || !strings.Contains(i.rest, "/out/") {
			continue
		}
		cmd := exec.Command("sh", "-c", strings.ReplaceAll(i.rest, "/out/", out+"/"))
		cmd.Dir = repository
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", i, err, said)
		}
	}
	return nil
}

// assemble runs the instructions of a stage in a root directory.
func assemble(stage []instruction, out, root string) (*image, error) {
	m := &image{root: root}
	for _, i := range stage[1:] {
		if err := m.run(i, out); err != nil {
			return nil, fmt.Errorf("%v: %w", i, err)
		}
	}
	return m, nil
}

var install = regexp.MustCompile(`^apt-get update && *apt-get install -y --no-install-recommends ([a-z0-9 -]+) && *rm -rf /var/lib/apt/lists/\*$`)

// run runs an instruction. Packages to install are only recorded.
func (m *image) run(i instruction, out string) error {
	switch i.word {
	case "ENTRYPOINT":
		return json.Unmarshal([]byte(i.rest), &m.entrypoint)
	case "CMD":
		return json.Unmarshal([]byte(i.rest), new([]string))
	case "ENV":
		m.env = append(m.env, i.rest)
		return nil
	case "COPY":
		return copyIn(i, out, m.root)
	}
	if found := install.FindStringSubmatch(i.rest); found != nil {
		m.packages = strings.Fields(found[1])
		return nil
	}
	return errors.New("this test cannot do that")
}

// copyIn does a COPY of a directory's contents: from the build stage, or from the repository.
func copyIn(i instruction, out, root string) error {
	args := strings.Fields(i.rest)
	from := repository
	if args[0] == "--from="+buildStage {
		from, args = filepath.Dir(out), args[1:]
	}
	if len(args) != 2 || !strings.HasSuffix(args[0], "/") || !strings.HasSuffix(args[1], "/") {
		return fmt.Errorf("write COPY --from=%s /out/ .../, or COPY .../ .../", buildStage)
	}
	to := filepath.Join(root, args[1])
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	said, err := exec.Command("cp", "-a", "--no-preserve=ownership", filepath.Join(from, args[0])+"/.", to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// TestCompilerVersion: the compiler's image has the version that go.mod requires.
func TestCompilerVersion(t *testing.T) {
	text, err := os.ReadFile(dockerfile)
	check(t, err)
	mod, err := os.ReadFile(repository + "/go.mod")
	check(t, err)
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)
	if version == nil {
		t.Fatal("go.mod asks for no version of Go")
	}
	if got, want := stages(string(text))[0][0].rest, "golang:"+string(version[1])+" AS "+buildStage; got != want {
		t.Errorf("%s builds from %s, want %s", dockerfile, got, want)
	}
}
