package main

import (
	"flag"
	"testing"

	"upppoe/internal/config/manpage/manpagetest"
)

var update = flag.Bool("update", false, "write the manual page")

func TestManual(t *testing.T) {
	manpagetest.Check(t, "pppoe-client.8", *update, manpagetest.CaptureStdout(func() int { return run("pppoe-client", []string{"--man"}) }))
}

// TestExitsAreUnique: no code, cause or error is twice in the table.
func TestExitsAreUnique(t *testing.T) {
	seen := map[any]bool{}
	once := func(what any) {
		if seen[what] {
			t.Errorf("%v is twice in the table", what)
		}
		seen[what] = true
	}
	for _, e := range exits {
		once(e.code)
		for _, c := range e.causes {
			once(c)
		}
		for _, err := range e.errs {
			once(err)
		}
		if e.meaning == "" {
			t.Errorf("exit code %d has no meaning", e.code)
		}
	}
}
