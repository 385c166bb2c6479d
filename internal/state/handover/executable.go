package handover

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Program is how this program was started. It must be read before the program changes its directory.
type Program struct {
	Path string   // of the executable
	Dir  string   // the working directory
	Args []string // without the name
}

// ThisProgram returns how this program was started with some arguments. Path is what a shell would start
// now by the same name: a newer version may have taken the place of the file, or of a link to it.
func ThisProgram(args []string) (p Program, err error) {
	p.Args = args
	if p.Dir, err = os.Getwd(); err != nil {
		p.Dir = "/"
	}
	p.Path, err = os.Executable() // as of the start: without " (deleted)"
	if err != nil {
		return p, err
	}
	if named := lookUp(os.Args[0], p.Dir); isSameFile(named, "/proc/self/exe") {
		p.Path = named
	}
	return p, nil
}

// lookUp returns the path of the file that a shell in a directory starts by a name; empty: none.
func lookUp(name, dir string) string {
	if !strings.Contains(name, "/") {
		path, err := exec.LookPath(name)
		if err != nil {
			return ""
		}
		name = path
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	return name
}

func isSameFile(a, b string) bool {
	fa, err := os.Stat(a)
	if err != nil {
		return false
	}
	fb, err := os.Stat(b)
	return err == nil && os.SameFile(fa, fb)
}
