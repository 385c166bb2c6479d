package carriers

import (
	"fmt"
	"os"
	"testing"

	"upppoe/test/guest"
)

// bin is the directory of our compiled programs.
var bin string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, remove, err := guest.Build("../..", "./test/carriers", "./cmd/pppoe-client", "./cmd/pppoe-server", "./cmd/pppoe-discovery")
	defer remove()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	bin = dir
	return m.Run()
}
